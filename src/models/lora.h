// LoRA adapters (Hu et al. 2021) on the nn::Linear children of any module, and PEFT folders of them
// (adapter_config.json, adapter_model.safetensors).
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "nn/linear.h"
#include "nn/state_dict.h"
#include "reasonbrain/describe.h"

namespace reasonbrain::models {

constexpr const char* kAdapterFolder = "adapter";  // inside a model's folder

// From a weight's name in a file to ours, or back.
using KeyRename = std::function<std::string(const std::string& key)>;

struct LoraOptions {
  int64_t rank = 8;
  double alpha = 16;  // the adapter's output is scaled by alpha / rank
  std::vector<std::string> targets = {"q_proj", "v_proj"};

  void describe(OptionVisitor& v);
};

// Every nn::Linear below `module` under its dotted name.
std::map<std::string, nn::Linear> linear_children(torch::nn::Module& module);

// Gives a fresh adapter to every nn::Linear whose name is a target or ends with ".target"; A is
// drawn from a stream keyed by (seed, name), B is zero. Returns how many. Error(kConfig) when a
// target matches none.
int64_t attach_lora(torch::nn::Module& module, const LoraOptions& options, uint64_t seed);

// Adds every adapter to its weight and removes it.
void merge_lora(torch::nn::Module& module);

// Removes every adapter, leaving the weights as they are.
void drop_lora(torch::nn::Module& module);

bool is_lora_parameter(const std::string& name);  // "...lora_A" or "...lora_B"

// Attaches the adapter of a PEFT folder; returns the parameters that came from it under the keys of
// adapter_model.safetensors. Which linears get one is told by those keys; rank and scale by r,
// lora_alpha, rank_pattern, alpha_pattern and use_rslora. Full weights (modules_to_save, biases)
// replace the module's. `own_key` renames where the reference's module has other names.
// Error(kData) for other methods than LoRA, DoRA included, and for keys that fit no parameter.
nn::StateDict load_peft_adapter(torch::nn::Module& module, const std::filesystem::path& folder,
                                const KeyRename& own_key = {});

// The adapter in FOLDER/adapter, where there is one; otherwise nothing.
nn::StateDict load_adapter_beside(torch::nn::Module& module, const std::filesystem::path& folder,
                                  const KeyRename& own_key = {});

// Writes all adapters below `module` as a PEFT folder, under the names that `file_key` gives.
// Error(kRuntime) when there is none.
void save_peft_adapter(torch::nn::Module& module, const std::filesystem::path& folder,
                       const std::string& base_model_name_or_path = "",
                       const KeyRename& file_key = {});

// The name of the layer whose weight's name `rename` changes; unchanged without one.
std::string renamed_layer(const KeyRename& rename, const std::string& layer);

}  // namespace reasonbrain::models
