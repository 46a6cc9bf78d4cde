// The help of every command as files, so that the program can answer --help without loading
// LibTorch.
#pragma once

#include <filesystem>

namespace reasonbrain::cli {

// Writes into `folder`, which is made: reasonbrain.txt, reasonbrain.edit.txt,
// reasonbrain.model.run.txt and so on, each exactly what the command prints for --help, and
// --version.txt. Throws Error where a file cannot be written.
void write_help_texts(const std::filesystem::path& folder);

}  // namespace reasonbrain::cli
