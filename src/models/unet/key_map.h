// The layouts in which a UNet's weights are found.
#pragma once

#include "models/key_map.h"
#include "models/unet/config.h"

namespace reasonbrain::models::unet {

// The original code's names (input_blocks, middle_block, output_blocks), which the configuration
// decides.
KeyTable ldm_key_table(const UNetConfig& config);

// The table for a file with these keys: diffusers' names, or the original's, alone or in a whole
// checkpoint.
KeyTable key_table(const UNetConfig& config, const std::vector<std::string>& file_keys);

}  // namespace reasonbrain::models::unet
