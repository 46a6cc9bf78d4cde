// The layouts in which the weights of CLIP's towers are found.
#pragma once

#include "models/clip/config.h"
#include "models/key_map.h"

namespace reasonbrain::models::clip {

// OpenAI's and OpenCLIP's names: fused attention projections, projections of the output transposed.
KeyTable original_vision_key_table();
KeyTable original_text_key_table();

// The table for a file with these keys: transformers' names with or without the tower's prefix,
// alone or in a whole CLIPModel; the original names; a whole Stable Diffusion checkpoint (text).
KeyTable vision_key_table(const std::vector<std::string>& file_keys);
KeyTable text_key_table(const TextConfig& config, const std::vector<std::string>& file_keys);

// The file's key of a projection after the tower, or "" when it has none.
std::string projection_key(const KeyTable& table, const std::string& module_key,
                           const std::vector<std::string>& file_keys);

}  // namespace reasonbrain::models::clip
