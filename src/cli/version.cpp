#include "cli/version.h"

#include <torch/headeronly/version.h>

#include "core/str.h"

namespace reasonbrain::cli {

std::string version_text() {
  return str("reasonbrain ", kVersion, " (LibTorch ", TORCH_VERSION, ")");
}

}  // namespace reasonbrain::cli
