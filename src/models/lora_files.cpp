// Adapter files of other programs: the file side of models/lora_adapter.h.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "core/str.h"
#include "models/lora_adapter.h"
#include "models/peft_pattern.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

constexpr const char* kMetadata = "lora_adapter_metadata";

// All prefixes of adapter files: a key that begins with one of another model is passed over.
constexpr const char* kKnownPrefixes[] = {"unet.",
                                          "transformer.",
                                          "text_encoder.",
                                          "text_encoder_2.",
                                          "lora_unet_",
                                          "lora_transformer_",
                                          "lora_te_",
                                          "lora_te1_",
                                          "lora_te2_",
                                          "lora_te3_",
                                          "diffusion_model.",
                                          "model.diffusion_model.",
                                          "base_model.model."};

// How the two halves and the scale of a layer are called; longer ends stand before those that they
// end with.
constexpr std::pair<const char*, char> kEnds[] = {{".lora_A.default.weight", 'A'},
                                                  {".lora_B.default.weight", 'B'},
                                                  {".lora_A.weight", 'A'},
                                                  {".lora_B.weight", 'B'},
                                                  {".lora_down.weight", 'A'},
                                                  {".lora_up.weight", 'B'},
                                                  {".lora_linear_layer.down.weight", 'A'},
                                                  {".lora_linear_layer.up.weight", 'B'},
                                                  {".lora.down.weight", 'A'},
                                                  {".lora.up.weight", 'B'},
                                                  {"_lora.down.weight", 'A'},
                                                  {"_lora.up.weight", 'B'},
                                                  {".alpha", 's'}};

std::string mangle(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

// Layers of the module that one layer of an adapter file stands for.
struct Target {
  std::vector<std::string> layers;
  KeyTransform transform = KeyTransform::kNone;
};

std::vector<std::string> layer_names(torch::nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& child : module.named_modules(/*name_prefix=*/"", /*include_self=*/false)) {
    if (std::dynamic_pointer_cast<nn::LinearImpl>(child.value()) ||
        std::dynamic_pointer_cast<nn::Conv2dImpl>(child.value())) {
      names.push_back(child.key());
    }
  }
  return names;
}

std::string without_weight(const std::string& key) {
  return key.substr(0, key.size() - std::string(".weight").size());
}

// Layer of the original layout -> ours.
std::map<std::string, Target> original_targets(const std::vector<std::string>& layers,
                                               const KeyTable& table) {
  std::vector<std::string> keys;
  for (const std::string& layer : layers) keys.push_back(layer + ".weight");
  std::map<std::string, Target> targets;
  for (const KeyBinding& binding : table.plan_saving(keys).bindings) {
    if (binding.file.size() != 1 || !ends_with(binding.file[0], ".weight")) continue;
    Target target{{}, binding.transform};
    for (const std::string& key : binding.module) target.layers.push_back(without_weight(key));
    targets[without_weight(binding.file[0])] = std::move(target);
  }
  return targets;
}

// Names without prefix, dotted and mangled -> target.
std::map<std::string, Target> all_targets(torch::nn::Module& module, const LoraNames& names) {
  const std::vector<std::string> layers = layer_names(module);
  std::map<std::string, Target> targets;
  if (names.original) {
    for (const auto& [name, target] : original_targets(layers, *names.original)) {
      targets[name] = target;
      targets[mangle(name)] = target;
    }
  }
  for (const std::string& layer : layers) targets[layer] = targets[mangle(layer)] = {{layer}};
  return targets;
}

struct Halves {
  std::string key;  // one of its keys, for messages
  torch::Tensor down, up;
  std::optional<double> alpha;
};

class Reader {
 public:
  Reader(torch::nn::Module& module, const std::filesystem::path& path, const LoraNames& names)
      : weights_(nn::state_dict(module)),
        store_(path),
        names_(names),
        targets_(all_targets(module, names)) {
    read_metadata();
  }

  LoraAdapter read() {
    std::map<std::string, Halves> found;  // by name in the file, without prefix
    for (const std::string& key : store_.keys()) take(key, found);
    if (found.empty()) {
      throw error(str("no key is an adapter of this model; expected names that begin with ",
                      join(names_.dotted, ", "), " or ", join(names_.mangled, ", ")));
    }
    for (const auto& [name, halves] : found) add(name, halves);
    std::sort(adapter_.begin(), adapter_.end(),
              [](const LoraLayer& a, const LoraLayer& b) { return a.name < b.name; });
    for (size_t i = 1; i < adapter_.size(); ++i) {
      if (adapter_[i].name == adapter_[i - 1].name) {
        throw error(str("two adapters for ", adapter_[i].name));
      }
    }
    return std::move(adapter_);
  }

 private:
  Error error(const std::string& problem) const {
    return data_error(str(store_.path().string(), ": ", problem));
  }

  void take(const std::string& key, std::map<std::string, Halves>& found) const {
    const auto end = std::find_if(std::begin(kEnds), std::end(kEnds),
                                  [&](const auto& item) { return ends_with(key, item.first); });
    if (end == std::end(kEnds)) {
      throw error(str("'", key, "' is not supported; only LoRA's two matrices and alpha are"));
    }
    std::string name = key.substr(0, key.size() - std::string(end->first).size());
    const std::optional<std::string> own = without_prefix(name);
    if (!own) return;
    name = *own;
    const size_t processor = name.find(".processor.");
    if (processor != std::string::npos) {  // attn1.processor.to_q_lora
      name.erase(processor, std::string(".processor").size());
      if (ends_with(name, "to_out")) name += ".0";
    }
    if (!targets_.contains(name)) name = renamed_layer(names_.own_key, name);
    if (!targets_.contains(name)) throw error(str("'", key, "' belongs to no layer of this model"));
    Halves& halves = found[name];
    halves.key = key;
    const torch::Tensor tensor = store_.tensor(key);
    io::require_finite(tensor, key, store_.path().string());
    if (end->second == 's') {
      if (tensor.numel() != 1) throw error(str("'", key, "' is not one number"));
      halves.alpha = tensor.to(torch::kFloat64).item<double>();
    } else {
      if (tensor.dim() != 2 && tensor.dim() != 4) throw error(str("'", key, "' is no matrix"));
      (end->second == 'A' ? halves.down : halves.up) = tensor;
    }
  }

  // nullopt: another model's.
  std::optional<std::string> without_prefix(const std::string& name) const {
    std::vector<std::string> own = names_.dotted;
    own.insert(own.end(), names_.mangled.begin(), names_.mangled.end());
    for (const std::string& prefix : own) {
      if (starts_with(name, prefix)) return name.substr(prefix.size());
    }
    for (const char* prefix : kKnownPrefixes) {
      if (starts_with(name, prefix)) return std::nullopt;
    }
    return name;
  }

  void read_metadata() {
    const auto found = store_.metadata().find(kMetadata);
    if (found == store_.metadata().end()) return;
    metadata_ = parse_ordered(found->second, str(store_.path().string(), " (", kMetadata, ")"));
    alphas_ = LayerPatterns({{"alpha_pattern", option("alpha_pattern")}}, "alpha_pattern",
                            store_.path().string());
  }

  bool is_mangled(const std::string& key) const {
    return std::any_of(names_.mangled.begin(), names_.mangled.end(),
                       [&](const std::string& prefix) { return starts_with(key, prefix); });
  }

  // A field of the PEFT configuration that diffusers leaves in the metadata.
  nlohmann::ordered_json option(const std::string& name) const {
    if (!metadata_.is_object()) return {};
    for (const std::string& prefix : names_.dotted) {
      const auto found = metadata_.find(prefix + name);
      if (found != metadata_.end()) return *found;
    }
    return {};
  }

  // As in diffusers, the metadata go before the keys of a UNet in its names; it refuses other files
  // with both, or scales twice.
  double scale(const std::string& name, const Halves& halves) const {
    const auto rank = static_cast<double>(halves.down.size(0));
    const nlohmann::ordered_json given = option("lora_alpha");
    if (!given.is_number()) return halves.alpha ? *halves.alpha / rank : 1;
    if (halves.alpha && (names_.kohya_is_original || is_mangled(halves.key))) {
      throw error(
          str("the scale of '", halves.key,
              "' is stated twice, by an alpha and by lora_alpha in the metadata; remove one"));
    }
    const double alpha = alphas_.of(name, given.get<double>());
    const nlohmann::ordered_json rslora = option("use_rslora");
    const bool root = rslora.is_boolean() && rslora.get<bool>();
    return alpha / (root ? std::sqrt(rank) : rank);
  }

  void add(const std::string& name, const Halves& halves) {
    if (!halves.down.defined() || !halves.up.defined()) {
      throw error(str("'", halves.key, "' stands without the adapter's other matrix"));
    }
    if (halves.down.size(0) == 0) {
      throw error(str("the adapter of '", halves.key, "' has rank 0; expected at least 1"));
    }
    const Target& target = targets_.at(name);
    torch::Tensor up = halves.up;
    if (target.transform == KeyTransform::kSwapHalves) up = at::roll(up, up.size(0) / 2, 0);
    int64_t begin = 0;
    for (const std::string& layer : target.layers) {
      const int64_t size = weights_.at(layer + ".weight").size(0);
      if (begin + size > up.size(0)) throw error(str("'", halves.key, "' has too few rows"));
      adapter_.push_back({layer, halves.down, up.narrow(0, begin, size), scale(name, halves)});
      begin += size;
    }
    if (begin != up.size(0)) throw error(str("'", halves.key, "' has too many rows"));
  }

  const nn::StateDict weights_;
  io::TensorStore store_;
  const LoraNames& names_;
  std::map<std::string, Target> targets_;
  nlohmann::ordered_json metadata_;
  LayerPatterns alphas_;
  LoraAdapter adapter_;
};

torch::Tensor fitted(const torch::Tensor& half) {
  return half.dim() == 4 ? half : half.flatten(1);
}

void write_diffusers(const LoraAdapter& adapter, const std::filesystem::path& path,
                     const std::string& prefix) {
  io::TensorMap tensors;
  nlohmann::json ranks = nlohmann::json::object(), alphas = nlohmann::json::object();
  std::vector<std::string> layers;
  const auto rank = adapter[0].down.size(0);
  const double alpha = adapter[0].scale * static_cast<double>(rank);
  for (const LoraLayer& layer : adapter) {
    tensors[str(prefix, layer.name, ".lora_A.weight")] = fitted(layer.down);
    tensors[str(prefix, layer.name, ".lora_B.weight")] = fitted(layer.up);
    layers.push_back(layer.name);
    const int64_t own_rank = layer.down.size(0);
    const double own_alpha = layer.scale * static_cast<double>(own_rank);
    if (own_rank != rank) ranks[exact_pattern(layer.name)] = own_rank;
    if (own_alpha != alpha) alphas[exact_pattern(layer.name)] = own_alpha;
  }
  const nlohmann::json options = {{prefix + "r", rank},
                                  {prefix + "lora_alpha", alpha},
                                  {prefix + "rank_pattern", ranks},
                                  {prefix + "alpha_pattern", alphas},
                                  {prefix + "target_modules", layers},
                                  {prefix + "lora_dropout", 0.0},
                                  {prefix + "bias", "none"},
                                  {prefix + "use_rslora", false}};
  io::save_safetensors(path, tensors, {{kMetadata, options.dump()}});
}

// Layers of ours that are one layer there, as one adapter.
LoraLayer fused(const std::string& name, const Target& target,
                const std::map<std::string, LoraLayer>& adapter,
                const std::map<std::string, int64_t>& out_features) {
  std::vector<torch::Tensor> down, up;
  int64_t rank = 0;
  for (const std::string& layer : target.layers) {
    const auto found = adapter.find(layer);
    if (found != adapter.end()) rank += found->second.down.size(0);
  }
  int64_t column = 0;
  for (const std::string& layer : target.layers) {
    const auto found = adapter.find(layer);
    if (found == adapter.end()) {
      up.push_back(at::zeros({out_features.at(layer), rank}));
      continue;
    }
    const torch::Tensor own = found->second.up.flatten(1).to(torch::kFloat32) * found->second.scale;
    down.push_back(found->second.down.flatten(1).to(torch::kFloat32));
    up.push_back(at::constant_pad_nd(own, {column, rank - column - own.size(1)}));
    column += own.size(1);
  }
  return {name, at::cat(down, 0), at::cat(up, 0), 1.0};
}

void write_kohya(const LoraAdapter& adapter, const std::filesystem::path& path,
                 const std::string& prefix) {
  io::TensorMap tensors;
  for (const LoraLayer& layer : adapter) {
    const std::string name = prefix + mangle(layer.name);
    tensors[name + ".lora_down.weight"] = fitted(layer.down);
    tensors[name + ".lora_up.weight"] = fitted(layer.up);
    tensors[name + ".alpha"] =
        torch::tensor(layer.scale * static_cast<double>(layer.down.size(0)), torch::kFloat32);
  }
  const int64_t rank = adapter[0].down.size(0);
  io::save_safetensors(path, tensors,
                       {{"ss_network_module", "networks.lora"},
                        {"ss_network_dim", str(rank)},
                        {"ss_network_alpha", str(adapter[0].scale * static_cast<double>(rank))}});
}

LoraAdapter in_original_layout(torch::nn::Module& module, const LoraAdapter& adapter,
                               const KeyTable& table) {
  const nn::StateDict weights = nn::state_dict(module);
  std::map<std::string, LoraLayer> by_name;
  std::vector<std::string> names;
  for (const LoraLayer& layer : adapter) {
    by_name.emplace(layer.name, layer);
    names.push_back(layer.name);
  }
  LoraAdapter layers;
  std::set<std::string> done;
  for (const auto& [name, target] : original_targets(names, table)) {
    done.insert(target.layers.begin(), target.layers.end());
    if (target.layers.size() == 1) {
      LoraLayer layer = by_name.at(target.layers[0]);
      layer.name = name;
      if (target.transform == KeyTransform::kSwapHalves) {
        layer.up = at::roll(layer.up, layer.up.size(0) / 2, 0);
      }
      layers.push_back(std::move(layer));
      continue;
    }
    std::map<std::string, int64_t> rows;
    for (const std::string& part : target.layers) rows[part] = weights.at(part + ".weight").size(0);
    layers.push_back(fused(name, target, by_name, rows));
  }
  for (const LoraLayer& layer : adapter) {
    if (!done.contains(layer.name)) layers.push_back(layer);
  }
  return layers;
}

}  // namespace

LoraAdapter read_lora_file(torch::nn::Module& module, const std::filesystem::path& path,
                           const LoraNames& names) {
  return Reader(module, path, names).read();
}

void write_lora_file(torch::nn::Module& module, const LoraAdapter& adapter,
                     const std::filesystem::path& path, const LoraNames& names, LoraFormat format) {
  if (adapter.empty()) throw runtime_error(str(path.string(), ": there is no adapter to save"));
  const bool diffusers = format == LoraFormat::kDiffusers;
  const bool original = !diffusers && names.original && names.kohya_is_original;
  if ((diffusers ? names.dotted : names.mangled).empty()) {
    throw usage_error(str("files of ", diffusers ? "diffusers" : "kohya",
                          " have no names for this model; write the adapter as peft"));
  }
  LoraAdapter named = original ? in_original_layout(module, adapter, *names.original) : adapter;
  if (!original) {
    for (LoraLayer& layer : named) layer.name = renamed_layer(names.file_key, layer.name);
  }
  if (diffusers) return write_diffusers(named, path, names.dotted[0]);
  write_kohya(named, path, names.mangled[0]);
}

}  // namespace reasonbrain::models
