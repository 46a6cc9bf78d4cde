// Whole Stable Diffusion checkpoints of the original code (latent diffusion, "LDM"): UNet,
// autoencoder and text encoder in one file, each under its own prefix.
#pragma once

#include <string>
#include <vector>

#include "models/key_map.h"

namespace reasonbrain::models::ldm {

constexpr const char* kUNetPrefix = "model.diffusion_model.";
constexpr const char* kVaePrefix = "first_stage_model.";
constexpr const char* kHfTextPrefix = "cond_stage_model.transformer.";  // SD1
constexpr const char* kOpenClipPrefix = "cond_stage_model.model.";      // SD2

// `table` for a file whose keys may all stand below `prefix`, with the rest of the checkpoint
// passed over; `table` itself where they do not.
KeyTable in_checkpoint(const KeyTable& table, const std::string& prefix,
                       const std::vector<std::string>& file_keys);

}  // namespace reasonbrain::models::ldm
