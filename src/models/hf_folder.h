// Hugging Face model folders: config.json beside safetensors weights.
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "io/json_options.h"
#include "nn/state_dict.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::models {

// FOLDER/config.json. Error(kData) when it is missing or damaged.
nlohmann::json read_hf_config(const std::filesystem::path& folder);

// Fills `options` from `config`: absent and null fields keep their defaults, keys that no option
// has are passed over.
template <class Options>
void read_hf_options(const nlohmann::json& config, Options& options, const std::string& origin) {
  io::read_json_options(config, options, origin, {.ignore_unknown = true});
}

// Error(kData) when `config` names a model_type that is none of `accepted`.
void expect_model_type(const nlohmann::json& config, const std::vector<std::string>& accepted,
                       const std::string& origin);

// From a key of a weight file to the module's name of the same tensor; nullopt: another model's,
// ignored. For layouts that only rename some keys; others have a table (key_map.h).
using KeyMap = std::function<std::optional<std::string>(const std::string& file_key)>;

// Copies the weights of `store` into `module`, converting dtype and device, and returns the
// module's tensors under the file's keys. Strict: Error(kData) for keys that are missing, unknown
// or of another shape and for values that are not finite. Keys of the module for which
// `may_be_missing` holds may be absent.
nn::StateDict load_weights(torch::nn::Module& module, const io::TensorStore& store,
                           const KeyMap& key_map,
                           const std::function<bool(const std::string&)>& may_be_missing = {});

// Both tensors are there and not equal: weights that a configuration calls tied are not.
bool differ(const io::TensorStore& store, const std::string& a, const std::string& b);

// The module's parameters and buffers without LoRA adapters.
nn::StateDict base_state_dict(const torch::nn::Module& module);

// Writes FOLDER/config.json and FOLDER/STEM.safetensors, in shards when large. `dtype` of the
// config follows from the weights. The folder is created.
void save_hf_folder(const std::filesystem::path& folder, nlohmann::json config,
                    const nn::StateDict& weights, const std::string& stem = "model");

// SHA-256 over what stands beside the weights: names and content of the configurations, tokenizers
// and vocabularies in `folder` and below it, but for the index of its parts.
std::string settings_sha256(const std::filesystem::path& folder);

}  // namespace reasonbrain::models
