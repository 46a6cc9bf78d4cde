#include "models/t5/runner.h"

#include "models/t5/folder.h"

namespace reasonbrain::models::t5 {
namespace {

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    const torch::Tensor& ids = inputs.at("input_ids");
    expect_below(inputs, "input_ids", loaded_.model->config().vocab_size);
    expect_sizes(inputs, "attention_mask", ids.sizes().vec());
    return {{"last_hidden_state", loaded_.model(ids, optional_input(inputs, "attention_mask"))}};
  }
  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded loaded_;
};

}  // namespace

Component encoder_component() {
  return {.name = "t5-encoder",
          .reference_class = "transformers T5EncoderModel",
          .arguments = {{"input_ids", Argument::Kind::kIndex, {2}},
                        {"attention_mask", Argument::Kind::kIndex, {2}, /*required=*/false}},
          .load = [](const std::filesystem::path& folder, torch::Device device,
                     torch::ScalarType dtype) {
            return std::make_unique<Runner>(
                load(folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)}));
          }};
}

}  // namespace reasonbrain::models::t5
