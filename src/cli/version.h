// The version of this program.
#pragma once

#include <string>

namespace reasonbrain::cli {

inline constexpr const char* kVersion = "0.1.0";

std::string version_text();  // "reasonbrain 0.1.0 (LibTorch 2.11.0)"

}  // namespace reasonbrain::cli
