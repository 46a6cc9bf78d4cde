#include "core/replaceable.h"

#include "core/atomic_file.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain {
namespace fs = std::filesystem;
namespace {

bool holds_working_directory(const fs::path& folder) {
  std::error_code failure;
  fs::path here = fs::current_path(failure);
  while (!failure && !fs::equivalent(here, folder, failure)) {
    if (here == here.parent_path()) return false;
    here = here.parent_path();
  }
  return !failure;
}

}  // namespace

void require_replaceable(const std::string& option, const fs::path& folder,
                         const std::string& proof,
                         const std::function<bool(const std::string& name)>& own) {
  if (!fs::exists(folder)) return;
  const auto refuse = [&](const std::string& reason) {
    throw usage_error(
        str(option, " ", folder.string(), ": ", reason, "; name an empty or a new folder"));
  };
  if (!fs::is_directory(folder)) refuse("is not a folder");
  if (holds_working_directory(folder)) refuse("is or holds the working directory");
  bool empty = true, proven = false;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_temporary_name(name)) continue;  // what a killed process left
    if (!own(name)) refuse(str("holds '", name, "', which this command does not write"));
    empty = false;
    proven = proven || name == proof;
  }
  if (!empty && !proven) refuse(str("is not empty and holds no ", proof, " of an earlier run"));
}

}  // namespace reasonbrain
