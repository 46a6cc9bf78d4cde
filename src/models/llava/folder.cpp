#include "models/llava/folder.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>

#include "core/str.h"
#include "models/clip/folder.h"
#include "models/hf_folder.h"
#include "models/lora.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llava {
namespace {

constexpr const char* kLanguage = "language_model.";
constexpr const char* kLanguageTable = "language_model.model.embed_tokens.weight";
constexpr const char* kVision = "vision_tower.";
constexpr const char* kProjector = "multi_modal_projector.";
constexpr const char* kDumpTower = "model.vision_tower.vision_tower.";
constexpr const char* kDumpProjector = "model.mm_projector.";
constexpr int64_t kClipHeadWidth = 64;  // of all CLIP towers that LLaVA was published with

// `rest` behind `prefix` when `key` begins with it.
std::optional<std::string> below(const std::string& key, const std::string& prefix) {
  if (!starts_with(key, prefix)) return std::nullopt;
  return key.substr(prefix.size());
}

bool is_old_buffer(const std::string& key) {
  return ends_with(key, "rotary_emb.inv_freq") || ends_with(key, "position_ids");
}

// Tower keys with or without the name that transformers 5 leaves out.
std::string tower_key(const std::string& rest) {
  return kVision + (starts_with(rest, "vision_model.") ? rest : "vision_model." + rest);
}

// transformers' layouts: language_model.model.*, model.language_model.* and language_model.*.
std::string hf_key(const std::string& key) {
  std::string plain = key;
  for (const char* part : {kLanguage, kVision, kProjector}) {
    if (starts_with(key, std::string("model.") + part)) plain = key.substr(6);
  }
  if (starts_with(plain, "lm_head.")) return kLanguage + plain;
  if (const auto rest = below(plain, kVision)) return tower_key(*rest);
  if (const auto rest = below(plain, kLanguage)) {
    const bool whole = starts_with(*rest, "model.") || starts_with(*rest, "lm_head.");
    return kLanguage + (whole ? *rest : "model." + *rest);
  }
  return plain;
}

// The original layout: LLaMA's keys, model.mm_projector.{weight,0.weight,2.weight,...}.
std::string original_key(const std::string& key) {
  static const std::regex kNumbered(R"((\d{1,2})\.(weight|bias))");
  if (const auto rest = below(key, kDumpTower)) return tower_key(*rest);
  if (const auto rest = below(key, kDumpProjector)) {
    std::smatch match;
    if (!std::regex_match(*rest, match, kNumbered)) return str(kProjector, "linear_1.", *rest);
    const int64_t index = std::stoll(match[1]);
    if (index % 2 != 0) return key;  // the place of an activation: reported as unexpected
    return str(kProjector, "linear_", index / 2 + 1, ".", match[2].str());
  }
  return kLanguage + key;
}

std::string to_original_key(const std::string& name, int64_t num_linears) {
  if (const auto rest = below(name, kVision)) return kDumpTower + *rest;
  if (const auto rest = below(name, kLanguage)) return *rest;
  const std::string linear = name.substr(std::string(kProjector).size());  // linear_1.weight
  const size_t dot = linear.find('.');
  if (num_linears == 1) return kDumpProjector + linear.substr(dot + 1);
  const int64_t index = std::stoll(linear.substr(7, dot - 7)) - 1;
  return str(kDumpProjector, 2 * index, linear.substr(dot));
}

// transformers' names of its own modules, which adapters have.
std::string to_hf_module_key(const std::string& name) {
  const std::string language = str(kLanguage, "model."), vision = str(kVision, "vision_model.");
  if (const auto rest = below(name, language)) return str("model.", kLanguage, *rest);
  if (const auto rest = below(name, kLanguage)) return *rest;  // lm_head
  if (const auto rest = below(name, vision)) return str("model.", kVision, *rest);
  return "model." + name;
}

// What the original code trains beside its adapters lies in a file of its own.
FileParameters load_beside_adapter(Llava& model, const std::filesystem::path& folder) {
  const auto path = folder / kAdapterFolder / "non_lora_trainables.bin";
  if (!std::filesystem::exists(path)) return {};
  const auto rename = [](std::string key) -> std::optional<std::string> {
    if (const auto rest = below(key, "base_model.")) key = *rest;
    if (starts_with(key, "model.model.")) key = key.substr(6);
    return original_key(key);
  };
  return load_weights(*model, io::TensorStore(path), rename,
                      [](const std::string& /*name*/) { return true; });
}

// The adapter beside the weights, under its own keys.
void add_adapter(Loaded& loaded, const std::filesystem::path& folder) {
  const LlavaConfig& config = loaded.model->config();
  const auto rename = [&](const std::string& key) { return own_key(config, key); };
  loaded.by_file_key.merge(FileParameters(load_adapter_beside(*loaded.model, folder, rename)));
  if (config.is_original()) loaded.by_file_key.merge(load_beside_adapter(loaded.model, folder));
}

bool has_tower(const io::TensorStore& store) {
  for (const std::string& key : store.keys()) {
    if (starts_with(key, kDumpTower)) return true;
  }
  return false;
}

// The image tower's options as the shapes of its weights tell them, for dumps that carry a tower
// and name it by a hub id.
clip::VisionConfig infer_tower(const io::TensorStore& store, const std::string& origin) {
  clip::VisionConfig out;
  out.num_hidden_layers = 0;
  const auto shape = [&](const std::string& end, size_t dims) {
    for (const char* middle : {"vision_model.", ""}) {
      const std::string key = str(kDumpTower, middle, end);
      if (store.contains(key) && store.shape(key).size() == dims) return store.shape(key);
    }
    throw data_error(str(origin, ": the image tower in the weights lacks ", end,
                         "; name its folder as mm_vision_tower"));
  };
  const auto patch = shape("embeddings.patch_embedding.weight", 4);
  out.hidden_size = patch[0];
  out.num_channels = patch[1];
  out.patch_size = patch[2];
  const auto positions = static_cast<double>(shape("embeddings.position_embedding.weight", 2)[0]);
  out.image_size = std::lround(std::sqrt(std::max(positions - 1, 0.0))) * out.patch_size;
  out.intermediate_size = shape("encoder.layers.0.mlp.fc1.weight", 2)[0];
  static const std::regex kLayer(R"(.*encoder\.layers\.(\d{1,4})\.layer_norm1\.weight)");
  for (const std::string& key : store.keys()) {
    std::smatch match;
    if (starts_with(key, kDumpTower) && std::regex_match(key, match, kLayer)) {
      out.num_hidden_layers = std::max<int64_t>(out.num_hidden_layers, std::stoll(match[1]) + 1);
    }
  }
  out.num_attention_heads = out.hidden_size / kClipHeadWidth;
  if (out.num_attention_heads * kClipHeadWidth != out.hidden_size || out.num_hidden_layers == 0) {
    throw data_error(str(origin,
                         ": the weights alone do not tell the image tower's heads at width ",
                         out.hidden_size, "; name its folder as mm_vision_tower"));
  }
  return out;
}

std::filesystem::path tower_folder(const nlohmann::json& config,
                                   const std::filesystem::path& folder) {
  for (const char* name : {"mm_vision_tower", "vision_tower"}) {
    const auto found = config.find(name);
    if (found == config.end() || !found->is_string()) continue;
    const auto path = folder / found->get<std::string>();  // an absolute one stays as it is
    if (std::filesystem::exists(path / "config.json")) return path;
  }
  return {};
}

clip::VisionConfig tower_config(const nlohmann::json& config, const std::filesystem::path& tower,
                                const io::TensorStore& store, const std::string& origin) {
  if (!tower.empty()) {
    return clip::parse_vision_config(read_hf_config(tower), (tower / "config.json").string());
  }
  if (config.contains("vision_config")) {
    return clip::parse_vision_config(config.at("vision_config"), origin + ": vision_config");
  }
  if (has_tower(store)) return infer_tower(store, origin);
  const auto named = config.find("mm_vision_tower");
  throw data_error(str(origin, ": mm_vision_tower ",
                       named == config.end() ? "is missing" : named->dump() + " is no folder here",
                       " and the weights hold no image tower; set it to a CLIPVisionModel folder"));
}

// Adds both names of a tied table.
void add_tied(Loaded& loaded, const std::string& table, const std::string& head) {
  const torch::Tensor& weight = loaded.model->language_model->model->embed_tokens->weight;
  loaded.by_file_key[table] = weight;
  loaded.by_file_key[head] = weight;
}

// A tower that is left out, which is not asked how it is built: as wide as the projector takes it.
clip::VisionConfig unknown_tower(const io::TensorStore& store) {
  clip::VisionConfig out;
  out.num_attention_heads = 1;
  out.num_hidden_layers = 64;
  for (const char* end : {"weight", "0.weight"}) {
    const std::string key = str(kDumpProjector, end);
    if (store.contains(key) && store.shape(key).size() == 2) out.hidden_size = store.shape(key)[1];
  }
  return out;
}

clip::VisionModel left_out_tower(const clip::VisionConfig& config, nn::Build build) {
  build.tensor = build.tensor.device(torch::kMeta);
  return clip::VisionModel(config, /*with_projection=*/false, build);
}

bool is_of_tower(const std::string& name) {
  return starts_with(name, kVision);
}

KeyMap key_map(std::function<std::string(const std::string&)> rename, bool tied, Tower tower) {
  return [rename = std::move(rename), tied,
          tower](const std::string& key) -> std::optional<std::string> {
    if (is_old_buffer(key) || ends_with(key, "image_newline")) return std::nullopt;
    const std::string name = rename(key);
    if (tower == Tower::kLeaveOut && is_of_tower(name)) return std::nullopt;
    if (tied && name == "language_model.lm_head.weight") {
      return kLanguageTable;
    }
    return name;
  };
}

Loaded load_original(const nlohmann::json& json, const std::filesystem::path& folder,
                     const nn::Build& build, Tower tower) {
  const std::string origin = (folder / "config.json").string();
  const io::TensorStore store(folder);
  const auto own_folder = tower_folder(json, folder);
  const bool load_tower = tower == Tower::kLoad;
  const LlavaConfig config = parse_original_config(
      json, load_tower ? tower_config(json, own_folder, store, origin) : unknown_tower(store),
      origin);
  const bool inside = load_tower && has_tower(store);
  clip::Loaded<clip::VisionModel> vision;
  if (!load_tower) {
    vision.model = left_out_tower(config.vision, build);
  } else if (!inside) {
    vision = clip::load_vision(own_folder, build);
  }
  Loaded out{Llava(config, build, vision.model), std::move(vision.by_file_key)};
  const bool tied = config.text.tie_word_embeddings;
  out.by_file_key.merge(FileParameters(
      load_weights(*out.model, store, key_map(original_key, tied, tower),
                   [&](const std::string& name) { return !inside && is_of_tower(name); })));
  if (tied) add_tied(out, "model.embed_tokens.weight", "lm_head.weight");
  add_adapter(out, folder);
  return out;
}

Loaded load_hf(const nlohmann::json& json, const std::filesystem::path& folder,
               const nn::Build& build, Tower tower) {
  LlavaConfig config = parse_config(json, (folder / "config.json").string());
  const io::TensorStore store(folder);
  for (const std::string& key : store.keys()) {
    if (hf_key(key) != kLanguageTable) continue;
    for (const char* head : {"lm_head.weight", "language_model.lm_head.weight"}) {
      if (differ(store, key, head)) config.text.tie_word_embeddings = false;
    }
  }
  const bool tied = config.text.tie_word_embeddings;
  const bool left_out = tower == Tower::kLeaveOut;
  Loaded out{Llava(config, build,
                   left_out ? left_out_tower(config.vision, build) : clip::VisionModel(nullptr)),
             {}};
  out.by_file_key =
      load_weights(*out.model, store, key_map(hf_key, tied, tower),
                   [&](const std::string& name) { return left_out && is_of_tower(name); });
  for (const std::string& key : store.keys()) {
    if (!tied || !ends_with(key, "embed_tokens.weight")) continue;
    const bool old = starts_with(key, "language_model.model.");
    add_tied(out, key, old ? "language_model.lm_head.weight" : "lm_head.weight");
  }
  add_adapter(out, folder);
  return out;
}

void write(const std::filesystem::path& folder, const Llava& model, const LlavaConfig& config) {
  nn::StateDict weights = base_state_dict(*model);
  std::erase_if(weights, [](const auto& entry) {  // LLaVA reads no projection of the tower
    return ends_with(entry.first, "visual_projection.weight");
  });
  if (config.is_original()) {
    nn::StateDict renamed;
    for (const auto& [name, tensor] : weights) {
      renamed[to_original_key(name, config.projector_linears)] = tensor;
    }
    weights = std::move(renamed);
  }
  save_hf_folder(folder, to_hf_config(config), weights);
}

}  // namespace

std::string own_key(const LlavaConfig& config, const std::string& key) {
  return config.is_original() ? original_key(key) : hf_key(key);
}

std::string adapter_key(const LlavaConfig& config, const std::string& name) {
  return config.is_original() ? to_original_key(name, config.projector_linears)
                              : to_hf_module_key(name);
}

Loaded load(const std::filesystem::path& folder, const nn::Build& build, Tower tower) {
  const nlohmann::json config = read_hf_config(folder);
  return is_original_config(config) ? load_original(config, folder, build, tower)
                                    : load_hf(config, folder, build, tower);
}

void save(const std::filesystem::path& folder, const Llava& model) {
  write(folder, model, as_hf(model->config()));
}

void save_original(const std::filesystem::path& folder, const Llava& model) {
  write(folder, model, as_original(model->config()));
}

}  // namespace reasonbrain::models::llava
