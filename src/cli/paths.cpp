#include "cli/paths.h"

#include <cstdlib>

namespace reasonbrain::cli {
namespace fs = std::filesystem;

fs::path home_folder() {
  if (const char* home = std::getenv("REASONBRAIN_HOME"); home != nullptr && *home != '\0')
    return home;
  std::error_code failure;
  const fs::path binary = fs::read_symlink("/proc/self/exe", failure);
  for (const char* relative : {"../share/reasonbrain", "../../.."}) {
    const fs::path folder = (binary.parent_path() / relative).lexically_normal();
    if (fs::is_directory(folder / "configs", failure)) return folder;
  }
  return {};
}

std::vector<fs::path> config_folders() {
  const fs::path home = home_folder();
  if (home.empty()) return {};
  return {home / "configs"};
}

}  // namespace reasonbrain::cli
