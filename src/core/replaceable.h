// Which folders an output may take the place of.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace reasonbrain {

// AtomicFolder::commit(true) may swap out an absent folder, an empty one, or one with the file
// `proof` and nothing but names that `own` accepts, which the same command has left earlier.
// Error(kUsage) otherwise, and for one that somebody's shell stands in: the working directory or
// a folder above it. `option` named the folder.
void require_replaceable(const std::string& option, const std::filesystem::path& folder,
                         const std::string& proof,
                         const std::function<bool(const std::string& name)>& own);

}  // namespace reasonbrain
