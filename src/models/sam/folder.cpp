#include "models/sam/folder.h"

#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"
#include "models/sam/layout.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::sam {
namespace {

constexpr const char* kPositions = "shared_image_embedding.positional_embedding";
constexpr const char* kPromptPositions = "prompt_encoder.shared_embedding.positional_embedding";

// As the reference: the configuration asks for it, and the file does not contradict.
bool is_tied(const SamConfig& config, const io::TensorStore& store) {
  if (!store.contains(kPositions) || !store.contains(kPromptPositions)) return true;
  return config.tie_word_embeddings && !differ(store, kPositions, kPromptPositions);
}

}  // namespace

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const SamConfig config =
      parse_sam_config(read_hf_config(folder), (folder / "config.json").string());
  const io::TensorStore store(folder);
  const bool tied = is_tied(config, store);
  Loaded out{Sam(config, tied, build), {}};
  out.by_file_key =
      load_weights(*out.model, store,
                   is_original_layout(store.keys()) ? original_keys(config.decoder.iou_head_depth)
                                                    : hf_keys(tied));
  return out;
}

void save(const std::filesystem::path& folder, const Sam& model) {
  const nn::StateDict weights = base_state_dict(*model);
  SamConfig config = model->config();
  config.tie_word_embeddings = !weights.contains(kPromptPositions);
  save_hf_folder(folder, to_hf_config(config), weights);
}

nn::StateDict original_weights(const Sam& model) {
  nn::StateDict weights = base_state_dict(*model);
  const auto own = weights.find(kPromptPositions);
  if (own != weights.end()) {
    if (!at::equal(own->second, weights.at(kPositions))) {
      throw data_error(str("prompts have positions of their own here (", kPromptPositions,
                           "), segment-anything has one table; keep transformers' layout"));
    }
    weights.erase(own);
  }
  return to_file_layout(original_keys(model->config().decoder.iou_head_depth), weights);
}

}  // namespace reasonbrain::models::sam
