// LLaVA from and to folders: transformers' layout with any of its key prefixes, and the original
// one, whose image tower lies in the dump or in a folder that `mm_vision_tower` names.
#pragma once

#include <filesystem>

#include "models/key_map.h"
#include "models/llava/llava.h"

namespace reasonbrain::models::llava {

struct Loaded {
  Llava model{nullptr};
  FileParameters by_file_key;  // the parameters under the keys of the weight files
};

// Error(kData) when the folder is incomplete or its weights do not fit its configuration.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

// In the layout of the model's configuration; the original one with the image tower in the dump.
void save(const std::filesystem::path& folder, const Llava& model);

}  // namespace reasonbrain::models::llava
