// Pieces of self-contained HTML pages.
#pragma once

#include <string>
#include <string_view>

namespace reasonbrain::io {

std::string escape_html(std::string_view text);  // for element content and quoted attributes
std::string base64(std::string_view bytes);
std::string data_uri(std::string_view mime_type,
                     std::string_view bytes);  // "data:image/png;base64,..."

}  // namespace reasonbrain::io
