// What the subcommands share about output.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::cli {

// One JSON value on stdout, indented.
void print_json(const nlohmann::json& value);

// Error(kRuntime) when something that was printed could not be written.
void flush_stdout();

// Error(kUsage) for an option that must name a file or folder, and is empty.
void require_name(const std::string& option, const std::string& value);

// A file inside a folder that is not visible yet, so without the care of core/atomic_file.h.
// Parents are created. Error(kRuntime) when it cannot be written.
void write_plain(const std::filesystem::path& path, std::string_view bytes);

// Proves that `path` can be written, before long work, and leaves nothing behind: where folders
// are missing, that the outermost of them can be created. Error(kRuntime) otherwise.
void check_writable_file(const std::filesystem::path& path);

// The same for a folder and the files in it.
void check_writable_folder(const std::filesystem::path& path);

// Folders that were missing when a command began and that nothing came to lie in are removed again
// at its end.
class NewFolders {
 public:
  // `folder` and those around it, as far as they are missing.
  explicit NewFolders(const std::filesystem::path& folder);
  ~NewFolders();
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;

 private:
  std::vector<std::filesystem::path> missing_;  // innermost first
};

}  // namespace reasonbrain::cli
