#include "cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace fs = std::filesystem;
namespace {

fs::path folder_around(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// `folder` and those around it that are not there, innermost first.
std::vector<fs::path> missing_folders(fs::path folder) {
  std::vector<fs::path> missing;
  std::error_code failure;
  folder = (folder / "").lexically_normal().parent_path();  // "a/", "a/." and "a" are one
  while (!folder.empty() && !fs::exists(fs::symlink_status(folder, failure))) {
    missing.push_back(folder);
    folder = folder.parent_path();
  }
  return missing;
}

}  // namespace

void print_json(const nlohmann::json& value) {
  // A path may hold bytes that are not UTF-8.
  std::cout << value.dump(2, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace)
            << '\n';
}

void flush_stdout() {
  std::cout.flush();
  if (!std::cout) throw runtime_error("standard output could not be written");
}

void require_name(const std::string& option, const std::string& value) {
  if (value.empty()) throw usage_error(option + " is empty; name a file or folder");
}

void write_plain(const fs::path& path, std::string_view bytes) {
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw runtime_error(str("cannot write ", path.string(), ": ", std::strerror(errno)));
}

void check_writable_file(const fs::path& path) {
  const fs::path folder = folder_around(path);
  if (!missing_folders(folder).empty()) return check_writable_folder(folder);
  const AtomicFile probe(path);
}

void check_writable_folder(const fs::path& path) {
  std::error_code failure;
  const std::vector<fs::path> missing = missing_folders(path);
  if (missing.empty()) {
    if (!fs::is_directory(path, failure)) {
      throw runtime_error(str("cannot write ", path.string(), ": it is not a folder"));
    }
    return check_writable_file(path / "probe");
  }
  fs::create_directory(missing.back(), failure);
  if (failure) {
    throw runtime_error(str("cannot create ", path.string(), ": ", failure.message()));
  }
  fs::remove(missing.back(), failure);
}

NewFolders::NewFolders(const fs::path& folder) : missing_(missing_folders(folder)) {}

NewFolders::~NewFolders() {
  for (const fs::path& folder : missing_) ::rmdir(folder.c_str());  // fails where something lies
}

}  // namespace reasonbrain::cli
