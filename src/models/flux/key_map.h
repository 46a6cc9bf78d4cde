// The layouts in which the weights of FLUX are found.
#pragma once

#include "models/key_map.h"

namespace reasonbrain::models::flux {

// The names of the original code (double_blocks.0.img_attn.qkv, ...), in which projections that
// read the same states are one tensor; also below `model.diffusion_model.`.
KeyTable original_key_table();

// The table for a file with these keys: diffusers' names or the original's.
KeyTable key_table(const std::vector<std::string>& file_keys);

}  // namespace reasonbrain::models::flux
