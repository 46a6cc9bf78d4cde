// The version of this program.
#pragma once

#include <string>

#include "reasonbrain/version.h"

namespace reasonbrain::cli {

// The commit that was built, "" when it was not built from a git checkout; and whether tracked
// files differed from it.
std::string git_id();
bool git_dirty();

std::string version_text();  // "reasonbrain 1.2.3 (LibTorch 2.11.0)"

}  // namespace reasonbrain::cli
