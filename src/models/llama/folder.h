// LLaMA from and to Hugging Face folders (LlamaForCausalLM), with a PEFT adapter beside it.
#pragma once

#include <filesystem>

#include "models/llama/llama.h"
#include "models/lora.h"
#include "nn/state_dict.h"

namespace reasonbrain::models::llama {

using models::kAdapterFolder;

struct Loaded {
  Llama model{nullptr};
  // The parameters under the keys of the weight files: those of the base, and those of
  // FOLDER/adapter under the keys of adapter_model.safetensors. With a tied table both of its names
  // lead to it.
  nn::StateDict by_file_key;
};

// Error(kData) when the folder is incomplete, its weights do not fit its configuration, or the
// adapter does not fit the model.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

// The base weights; adapters are left out (models/lora.h saves them).
void save(const std::filesystem::path& folder, const Llama& model);

}  // namespace reasonbrain::models::llama
