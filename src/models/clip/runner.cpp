#include "models/clip/runner.h"

#include "core/str.h"
#include "models/clip/folder.h"

namespace reasonbrain::models::clip {
namespace {

void add_hidden_states(Tensors& outputs, const std::vector<torch::Tensor>& states) {
  for (size_t i = 0; i < states.size(); ++i) outputs[str("hidden_states.", i)] = states[i];
}

class VisionRunner : public ComponentRunner {
 public:
  VisionRunner(const std::filesystem::path& folder, const nn::Build& build)
      : loaded_(load_vision(folder, build)) {}

  Tensors run(const Tensors& inputs) override {
    const VisionOutput out = loaded_.model(inputs.at("pixel_values"));
    Tensors outputs = {{"last_hidden_state", out.last_hidden_state}};
    if (out.image_embeds.defined()) outputs["image_embeds"] = out.image_embeds;
    add_hidden_states(outputs, out.hidden_states);
    return outputs;
  }

  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded<VisionModel> loaded_;
};

class TextRunner : public ComponentRunner {
 public:
  TextRunner(const std::filesystem::path& folder, const nn::Build& build)
      : loaded_(load_text(folder, build)) {}

  Tensors run(const Tensors& inputs) override {
    const torch::Tensor& ids = inputs.at("input_ids");
    expect_below(inputs, "input_ids", loaded_.model->config().vocab_size);
    expect_sizes(inputs, "attention_mask", ids.sizes().vec());
    const TextOutput out = loaded_.model(ids, optional_input(inputs, "attention_mask"));
    Tensors outputs = {{"last_hidden_state", out.last_hidden_state},
                       {"pooler_output", out.pooler_output}};
    if (out.text_embeds.defined()) outputs["text_embeds"] = out.text_embeds;
    add_hidden_states(outputs, out.hidden_states);
    return outputs;
  }

  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded<TextModel> loaded_;
};

template <class Runner>
std::unique_ptr<ComponentRunner> load(const std::filesystem::path& folder, torch::Device device,
                                      torch::ScalarType dtype) {
  return std::make_unique<Runner>(folder,
                                  nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)});
}

}  // namespace

Component vision_component() {
  return {"clip-vision",
          "transformers CLIPVisionModelWithProjection, CLIPModel",
          {{"pixel_values", Argument::Kind::kFeature, {4}}},
          load<VisionRunner>};
}

Component text_component() {
  return {"clip-text",
          "transformers CLIPTextModel, CLIPTextModelWithProjection",
          {{"input_ids", Argument::Kind::kIndex, {2}},
           {"attention_mask", Argument::Kind::kIndex, {2}, /*required=*/false}},
          load<TextRunner>};
}

}  // namespace reasonbrain::models::clip
