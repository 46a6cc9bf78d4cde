#include "models/sam/runner.h"

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

struct Loaded {
  Sam sam{nullptr};
  FileParameters by_file_key;
};

Loaded load(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  const SamConfig config =
      parse_sam_config(read_hf_config(folder), (folder / "config.json").string());
  const io::TensorStore store(folder);
  const bool tied = is_tied(config, store);
  Loaded loaded;
  loaded.sam = Sam(config, tied, nn::Build{.tensor = options});
  loaded.by_file_key =
      load_weights(*loaded.sam, store,
                   is_original_layout(store.keys()) ? original_keys(config.decoder.iou_head_depth)
                                                    : hf_keys(tied));
  return loaded;
}

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    const torch::Tensor embeddings = loaded_.sam->encode(inputs.at("pixel_values"));
    const Masks masks = loaded_.sam->decode(
        embeddings, {optional_input(inputs, "input_points"), optional_input(inputs, "input_labels"),
                     optional_input(inputs, "input_boxes"), optional_input(inputs, "input_masks")});
    return {{"iou_scores", masks.iou_scores},
            {"pred_masks", masks.pred_masks},
            {"image_embeddings", embeddings}};
  }

  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded loaded_;
};

}  // namespace

Sam load_sam(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  return load(folder, options).sam;
}

void save_sam(const std::filesystem::path& folder, Sam& sam) {
  const nn::StateDict weights = base_state_dict(*sam);
  SamConfig config = sam->config();
  config.tie_word_embeddings = !weights.contains(kPromptPositions);
  save_hf_folder(folder, to_hf_config(config), weights);
}

nn::StateDict original_weights(Sam& sam) {
  nn::StateDict weights = base_state_dict(*sam);
  const auto own = weights.find(kPromptPositions);
  if (own != weights.end()) {
    if (!at::equal(own->second, weights.at(kPositions))) {
      throw data_error(str("prompts have positions of their own here (", kPromptPositions,
                           "), segment-anything has one table; keep transformers' layout"));
    }
    weights.erase(own);
  }
  return to_file_layout(original_keys(sam->config().decoder.iou_head_depth), weights);
}

Component sam_component() {
  using Kind = Argument::Kind;
  return {
      .name = "sam",
      .reference_class = "transformers SamModel, segment-anything",
      .arguments = {{"pixel_values", Kind::kFeature, {4}},
                    {"input_points", Kind::kNumber, {4}, /*required=*/false},
                    {"input_labels", Kind::kIndex, {3}, /*required=*/false},
                    {"input_boxes", Kind::kNumber, {3}, /*required=*/false},
                    {"input_masks", Kind::kFeature, {4}, /*required=*/false}},
      .load = [](const std::filesystem::path& folder, torch::Device device,
                 torch::ScalarType dtype) {
        return std::make_unique<Runner>(load(folder, torch::TensorOptions(dtype).device(device)));
      }};
}

}  // namespace reasonbrain::models::sam
