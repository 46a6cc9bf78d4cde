#include "cli/version.h"

#include <torch/headeronly/version.h>

#include "core/str.h"
#include "git_id.h"

namespace reasonbrain::cli {

std::string git_id() {
  return REASONBRAIN_GIT_ID;
}

bool git_dirty() {
  return REASONBRAIN_GIT_DIRTY;
}

std::string version_text() {
  return str("reasonbrain ", kVersion, " (LibTorch ", TORCH_VERSION, ")");
}

}  // namespace reasonbrain::cli
