#include "models/clip/folder.h"

#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"

namespace reasonbrain::models::clip {
namespace {

constexpr const char* kVisualProjection = "visual_projection.weight";
constexpr const char* kTextProjection = "text_projection.weight";

// Keys of one tower as the model has them. `prefix` may be absent in the file (transformers 5 and
// plain tower folders); `roots` are the names that stand below it.
KeyMap tower_keys(const std::string& prefix, const std::vector<std::string>& roots,
                  const std::string& projection, const std::vector<std::string>& foreign) {
  return [=](const std::string& key) -> std::optional<std::string> {
    if (ends_with(key, "position_ids")) return std::nullopt;  // a buffer of old versions
    for (const std::string& other : foreign) {
      if (starts_with(key, other)) return std::nullopt;
    }
    if (starts_with(key, prefix) || key == projection) return key;
    for (const std::string& root : roots) {
      if (starts_with(key, root)) return prefix + key;
    }
    return key;  // unknown: reported by the strict loading
  };
}

KeyMap vision_keys() {
  return tower_keys("vision_model.",
                    {"embeddings.", "pre_layrnorm.", "encoder.", "post_layernorm."},
                    kVisualProjection, {"text_model.", "text_projection.", "logit_scale"});
}

KeyMap text_keys() {
  return tower_keys("text_model.", {"embeddings.", "encoder.", "final_layer_norm."},
                    kTextProjection, {"vision_model.", "visual_projection.", "logit_scale"});
}

}  // namespace

Loaded<VisionModel> load_vision(const std::filesystem::path& folder, const nn::Build& build) {
  const VisionConfig config =
      parse_vision_config(read_hf_config(folder), (folder / "config.json").string());
  const io::TensorStore store(folder);
  Loaded<VisionModel> out{VisionModel(config, store.contains(kVisualProjection), build), {}};
  out.by_file_key = load_weights(*out.model, store, vision_keys());
  return out;
}

Loaded<TextModel> load_text(const std::filesystem::path& folder, const nn::Build& build) {
  const TextConfig config =
      parse_text_config(read_hf_config(folder), (folder / "config.json").string());
  const io::TensorStore store(folder);
  Loaded<TextModel> out{TextModel(config, store.contains(kTextProjection), build), {}};
  out.by_file_key = load_weights(*out.model, store, text_keys());
  return out;
}

void save_vision(const std::filesystem::path& folder, const VisionModel& model) {
  save_hf_folder(folder, to_hf_config(model->config(), model->has_projection()),
                 base_state_dict(*model));
}

void save_text(const std::filesystem::path& folder, const TextModel& model) {
  save_hf_folder(folder, to_hf_config(model->config(), model->has_projection()),
                 base_state_dict(*model));
}

}  // namespace reasonbrain::models::clip
