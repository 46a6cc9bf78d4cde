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

enum class Tower {
  kLoad,
  kLeaveOut,  // it takes no memory and need not be there: language model and projector only
};

// Error(kData) when the folder is incomplete or its weights do not fit its configuration.
Loaded load(const std::filesystem::path& folder, const nn::Build& build,
            Tower tower = Tower::kLoad);

// In transformers' layout where that can hold the model (as_hf), otherwise in the original one,
// with the image tower in the dump. Adapters are left out.
void save(const std::filesystem::path& folder, const Llava& model);

// In the original layout. Error(kData) as as_original().
void save_original(const std::filesystem::path& folder, const Llava& model);

// Our name of a tensor that an adapter of PEFT, made for the reference's class of the model's
// layout, calls `key`; and the name that the reference gives it now.
std::string own_key(const LlavaConfig& config, const std::string& key);
std::string adapter_key(const LlavaConfig& config, const std::string& name);

}  // namespace reasonbrain::models::llava
