// Paths that come from a file and must stay inside a folder.
#pragma once

#include <filesystem>
#include <string>

namespace reasonbrain::io {

// root / relative. Error(kData) naming `origin` when it is empty, absolute, has a ".." or a NUL, or
// leaves root through a symbolic link. The target need not exist.
std::filesystem::path resolve_inside(const std::filesystem::path& root, const std::string& relative,
                                     const std::string& origin);

}  // namespace reasonbrain::io
