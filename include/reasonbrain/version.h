// The version of this library.
#pragma once

namespace reasonbrain {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace reasonbrain
