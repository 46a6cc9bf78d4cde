#include "models/qformer/runner.h"

#include "models/qformer/folder.h"

namespace reasonbrain::models::qformer {
namespace {

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    return {{"last_hidden_state",
             loaded_.model(inputs.at("query_embeds"), inputs.at("encoder_hidden_states"),
                           optional_input(inputs, "encoder_attention_mask"))}};
  }
  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded loaded_;
};

}  // namespace

Component qformer_component() {
  return {
      .name = "qformer",
      .reference_class = "transformers Blip2QFormerModel, LAVIS",
      .arguments = {{"query_embeds", Argument::Kind::kFeature, {3}},
                    {"encoder_hidden_states", Argument::Kind::kFeature, {3}},
                    {"encoder_attention_mask", Argument::Kind::kIndex, {2}, /*required=*/false}},
      .load = [](const std::filesystem::path& folder, torch::Device device,
                 torch::ScalarType dtype) {
        return std::make_unique<Runner>(
            load(folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)}));
      }};
}

}  // namespace reasonbrain::models::qformer
