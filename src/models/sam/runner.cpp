#include "models/sam/runner.h"

#include "models/sam/folder.h"

namespace reasonbrain::models::sam {
namespace {

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    const torch::Tensor embeddings = loaded_.model->encode(inputs.at("pixel_values"));
    const Masks masks = loaded_.model->decode(
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

Component sam_component() {
  using Kind = Argument::Kind;
  return {.name = "sam",
          .reference_class = "transformers SamModel, segment-anything",
          .arguments = {{"pixel_values", Kind::kFeature, {4}},
                        {"input_points", Kind::kNumber, {4}, /*required=*/false},
                        {"input_labels", Kind::kIndex, {3}, /*required=*/false},
                        {"input_boxes", Kind::kNumber, {3}, /*required=*/false},
                        {"input_masks", Kind::kFeature, {4}, /*required=*/false}},
          .load = [](const std::filesystem::path& folder, torch::Device device,
                     torch::ScalarType dtype) {
            return std::make_unique<Runner>(
                load(folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)}));
          }};
}

}  // namespace reasonbrain::models::sam
