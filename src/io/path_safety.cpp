#include "io/path_safety.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace fs = std::filesystem;

fs::path resolve_inside(const fs::path& folder, const std::string& relative,
                        const std::string& origin) {
  const fs::path root = folder.empty() ? "." : folder;  // the folder of a plain file name
  const auto refuse = [&](const std::string& reason) {
    return data_error(str(origin, ": path '", relative.c_str(), "' ", reason,
                          ", expected a path inside ", root.string()));
  };
  if (relative.empty()) throw refuse("is empty");
  if (relative.find('\0') != std::string::npos) throw refuse("holds a NUL byte");
  const fs::path path(relative);
  if (path.is_absolute()) throw refuse("is absolute");
  for (const fs::path& part : path) {
    if (part == "..") throw refuse("goes up with '..'");
  }
  std::error_code failure;
  const fs::path canonical_root = fs::weakly_canonical(root, failure);
  const fs::path canonical = failure ? fs::path() : fs::weakly_canonical(root / path, failure);
  if (failure) throw refuse("cannot be resolved (" + failure.message() + ")");
  const fs::path inside = canonical.lexically_relative(canonical_root);
  if (inside.empty() || *inside.begin() == "..") throw refuse("leaves the folder through a link");
  return root / path;
}

Error unreadable(const fs::filesystem_error& problem) {
  return data_error(str("cannot read ", problem.path1().string(), ": ", problem.code().message(),
                        "; name a file or folder that can be opened"));
}

}  // namespace reasonbrain::io
