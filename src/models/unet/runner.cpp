#include "models/unet/runner.h"

#include "models/unet/folder.h"

namespace reasonbrain::models::unet {
namespace {

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    return {
        {"sample", loaded_.model(inputs.at("sample"), inputs.at("timestep"),
                                 inputs.at("encoder_hidden_states"), /*residual=*/torch::Tensor(),
                                 optional_input(inputs, "encoder_attention_mask"),
                                 optional_input(inputs, "timestep_cond"))}};
  }
  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded loaded_;
};

}  // namespace

Component unet_component() {
  return {.name = "unet",
          .reference_class = "diffusers UNet2DConditionModel, original Stable Diffusion",
          .arguments = {{"sample", Argument::Kind::kFeature, {4}},
                        {"timestep", Argument::Kind::kNumber, {0, 1}},
                        {"encoder_hidden_states", Argument::Kind::kFeature, {3}},
                        {"encoder_attention_mask", Argument::Kind::kIndex, {2}, /*required=*/false},
                        {"timestep_cond", Argument::Kind::kFeature, {2}, /*required=*/false}},
          .load = [](const std::filesystem::path& folder, torch::Device device,
                     torch::ScalarType dtype) {
            return std::make_unique<Runner>(
                load(folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)}));
          }};
}

}  // namespace reasonbrain::models::unet
