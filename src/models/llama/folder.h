// LLaMA from and to folders: Hugging Face's (LlamaForCausalLM), with a PEFT adapter beside it, and
// Meta's weights beside such a config.json.
#pragma once

#include <filesystem>

#include "models/key_map.h"
#include "models/llama/llama.h"
#include "models/lora.h"

namespace reasonbrain::models::llama {

using models::kAdapterFolder;

struct Loaded {
  Llama model{nullptr};
  // The parameters under the keys of the weight files: those of the base, and those of
  // FOLDER/adapter under the keys of adapter_model.safetensors. With a tied table both of its names
  // lead to it.
  FileParameters by_file_key;
};

// Error(kData) when the folder is incomplete, its weights do not fit its configuration, or the
// adapter does not fit the model.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

// The base weights; adapters are left out (models/lora.h saves them).
void save(const std::filesystem::path& folder, const Llama& model);

// The base weights in Meta's layout, a tied table under both its names. Error(kData) for biases,
// which that has no names for.
nn::StateDict original_weights(const Llama& model);

}  // namespace reasonbrain::models::llama
