// The layouts in which an autoencoder's weights are found.
#pragma once

#include "models/key_map.h"
#include "models/vae/config.h"

namespace reasonbrain::models::vae {

// The original code's names (encoder.down.0.block.0, ...; FLUX's ae.safetensors has them too), in
// which the attention's projections are 1x1 convolutions.
KeyTable ldm_key_table(const VaeConfig& config);

// The table for a file with these keys: diffusers' names, the attention's old or new, or the
// original's, alone or in a whole checkpoint.
KeyTable key_table(const VaeConfig& config, const std::vector<std::string>& file_keys);

}  // namespace reasonbrain::models::vae
