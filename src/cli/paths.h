// Where the program's own files are: the source tree it was built in, or an installation.
#pragma once

#include <filesystem>
#include <vector>

namespace reasonbrain::cli {

// Holds configs/ and models/. $REASONBRAIN_HOME when set, else ../share/reasonbrain of the binary
// or ../../.. (a source tree with build/release/bin), the first that has configs/. Empty when there
// is none.
std::filesystem::path home_folder();

std::vector<std::filesystem::path> config_folders();  // where --config NAME is looked for

}  // namespace reasonbrain::cli
