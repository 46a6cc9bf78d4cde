#include "models/llava/runner.h"

#include "models/llava/folder.h"

namespace reasonbrain::models::llava {
namespace {

class Runner : public ComponentRunner {
 public:
  Runner(const std::filesystem::path& folder, const nn::Build& build)
      : loaded_(load(folder, build)) {}

  Tensors run(const Tensors& inputs) override {
    const torch::Tensor& ids = inputs.at("input_ids");
    const LlavaConfig& config = loaded_.model->config();
    expect_sizes(inputs, "attention_mask", ids.sizes().vec());
    const torch::Tensor text = ids.masked_fill(ids == config.image_token_index, 0);
    expect_below({{"input_ids", text}}, "input_ids", config.text.vocab_size);
    return {{"logits", loaded_.model(ids, optional_input(inputs, "pixel_values"),
                                     optional_input(inputs, "attention_mask"))}};
  }

  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded loaded_;
};

}  // namespace

Component llava_component() {
  using Kind = Argument::Kind;
  return {"llava",
          "transformers LlavaForConditionalGeneration, original LlavaLlamaForCausalLM",
          {{"input_ids", Kind::kIndex, {2}},
           {"pixel_values", Kind::kFeature, {4}, /*required=*/false},
           {"attention_mask", Kind::kIndex, {2}, /*required=*/false}},
          [](const std::filesystem::path& folder, torch::Device device, torch::ScalarType dtype) {
            return std::make_unique<Runner>(
                folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)});
          }};
}

}  // namespace reasonbrain::models::llava
