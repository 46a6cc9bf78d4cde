// Text of a file as a message quotes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reasonbrain::io {

// `text`, or its first max_bytes with "..." behind them, cut where a UTF-8 character ends.
inline std::string shortened(std::string_view text, size_t max_bytes = 300) {
  if (text.size() <= max_bytes) return std::string(text);
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xC0) == 0x80) --max_bytes;
  return std::string(text.substr(0, max_bytes)) + "...";
}

}  // namespace reasonbrain::io
