// LoRA adapters apart from a model, and in the files of other programs: diffusers and PEFT
// (.lora_A, .lora_B, .lora.down, processors), kohya and ComfyUI (lora_unet_..., lora_down, alpha).
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/key_map.h"
#include "models/lora.h"

namespace reasonbrain::models {

// The change of one layer's weight: scale * up x down.
struct LoraLayer {
  std::string name;    // of the layer in the module
  torch::Tensor down;  // [rank, in]; of a convolution [rank, in, k, k]
  torch::Tensor up;    // [out, rank]; of a convolution also [out, rank, 1, 1]
  double scale = 1;    // alpha / rank
};
using LoraAdapter = std::vector<LoraLayer>;  // sorted by name, names are unique

// How a model's layers are called in adapter files.
struct LoraNames {
  std::vector<std::string> dotted;   // prefixes of dotted names: "unet.", "transformer.", ...
  std::vector<std::string> mangled;  // of names with '_' for '.': "lora_unet_", ...
  std::optional<KeyTable> original;  // the original code's layout, where adapters use that too
  bool kohya_is_original = false;    // kohya's files have the names of that one
  // Where the reference's modules have other names than ours: its names of weights -> ours, and
  // back.
  KeyRename own_key, file_key;
};

// Reads an adapter for `module` from a file of any of these forms. Adapters of other models in the
// same file are passed over. A tensor of the original layout that our module holds in parts (fused
// q, k, v) is split. Error(kData): a key that belongs to no layer, halves that do not fit, other
// methods (DoRA, LoHa, LoKr), a file without any key for this model.
LoraAdapter read_lora_file(torch::nn::Module& module, const std::filesystem::path& path,
                           const LoraNames& names);

enum class LoraFormat { kDiffusers, kKohya };

// Writes an adapter of `module` to one safetensors file. With `names.kohya_is_original` kKohya
// takes the names of `names.original`: parts of one tensor there become a block diagonal of the sum
// of their ranks. Error(kUsage) for a model that has no names in such files.
void write_lora_file(torch::nn::Module& module, const LoraAdapter& adapter,
                     const std::filesystem::path& path, const LoraNames& names, LoraFormat format);

// The adapters that the module's linear layers hold.
LoraAdapter lora_adapter_of(torch::nn::Module& module);

struct WeightedAdapter {
  LoraAdapter adapter;
  double weight = 1;
};

// Several adapters at once: their sum, each times its weight, becomes the adapter of the module's
// linear layers. Error(kData) for convolutions, whose adapters can be merged only, and for sizes
// that do not fit; Error(kConfig) where a layer has an adapter already.
void attach_adapters(torch::nn::Module& module, const std::vector<WeightedAdapter>& adapters);

// Adds weight * adapter to the layers' own weights; the negative weight takes it away again.
void merge_adapter(torch::nn::Module& module, const LoraAdapter& adapter, double weight = 1);

}  // namespace reasonbrain::models
