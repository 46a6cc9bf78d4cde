#include "models/clip/folder.h"

#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/clip/key_map.h"
#include "models/hf_folder.h"
#include "models/ldm_checkpoint.h"

namespace reasonbrain::models::clip {
namespace {

constexpr const char* kVisualProjection = "visual_projection.weight";
constexpr const char* kTextProjection = "text_projection.weight";

}  // namespace

Loaded<VisionModel> load_vision(const std::filesystem::path& folder, const nn::Build& build) {
  const VisionConfig config =
      parse_vision_config(read_hf_config(folder), (folder / "config.json").string());
  const io::TensorStore store(folder);
  const KeyTable table = vision_key_table(store.keys());
  const bool projection = !projection_key(table, kVisualProjection, store.keys()).empty();
  Loaded<VisionModel> out{VisionModel(config, projection, build), {}};
  out.by_file_key = load_weights(*out.model, store, table);
  return out;
}

Loaded<TextModel> load_text(const std::filesystem::path& folder, const nn::Build& build) {
  const TextConfig config =
      parse_text_config(read_hf_config(folder), (folder / "config.json").string());
  const io::TensorStore store(folder);
  KeyTable table = text_key_table(config, store.keys());
  std::string projection = projection_key(table, kTextProjection, store.keys());
  if (starts_with(projection, ldm::kOpenClipPrefix) &&
      store.shape(projection) != std::vector<int64_t>{config.hidden_size, config.projection_dim}) {
    std::vector<KeyRule> rules = {{{projection}, {}}};
    rules.insert(rules.end(), table.rules().begin(), table.rules().end());
    table = KeyTable(std::move(rules));
    projection.clear();
  }
  Loaded<TextModel> out{TextModel(config, !projection.empty(), build), {}};
  out.by_file_key = load_weights(*out.model, store, table);
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
