// The libraries that this process runs with.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace reasonbrain::cli {

// The file name of a loaded shared library, links resolved, which carries its version, such as
// libopencv_core.so.4.6.0; "not loaded" otherwise.
std::string loaded_library(const std::string& stem);

// Name and version of every library that decides results or files.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace reasonbrain::cli
