// Paths that come from a file and must stay inside a folder.
#pragma once

#include <filesystem>
#include <string>

#include "reasonbrain/error.h"

namespace reasonbrain::io {

// folder / relative; no folder is the current one. Error(kData) naming `origin` when it is empty,
// absolute, has a ".." or a NUL, or leaves the folder through a symbolic link. The target need not
// exist.
std::filesystem::path resolve_inside(const std::filesystem::path& folder,
                                     const std::string& relative, const std::string& origin);

// What the file system refuses (a loop of links, a name too long, no permission) as Error(kData).
Error unreadable(const std::filesystem::filesystem_error& problem);

}  // namespace reasonbrain::io
