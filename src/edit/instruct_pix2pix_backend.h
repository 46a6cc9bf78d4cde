// InstructPix2Pix behind the Editor.
#pragma once

#include "edit/backend.h"
#include "edit/instruct_pix2pix.h"

namespace reasonbrain::edit {

std::unique_ptr<Backend> load_instruct_pix2pix(const std::filesystem::path& folder,
                                               const Placement& placement);

}  // namespace reasonbrain::edit
