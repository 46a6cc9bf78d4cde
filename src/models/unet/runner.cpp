#include "models/unet/runner.h"

#include "models/hf_folder.h"
#include "models/lora.h"
#include "models/unet/key_map.h"

namespace reasonbrain::models::unet {
namespace {

struct Loaded {
  UNet unet{nullptr};
  FileParameters file_parameters;
};

Loaded load(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  const UNetConfig config =
      unet_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded loaded;
  loaded.unet = UNet(config, nn::Build{.tensor = options});
  const io::TensorStore store(folder);
  loaded.file_parameters = load_weights(*loaded.unet, store, key_table(config, store.keys()));
  loaded.file_parameters.merge(FileParameters(load_adapter_beside(*loaded.unet, folder)));
  return loaded;
}

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    return {
        {"sample", loaded_.unet(inputs.at("sample"), inputs.at("timestep"),
                                inputs.at("encoder_hidden_states"), /*residual=*/torch::Tensor(),
                                optional_input(inputs, "encoder_attention_mask"),
                                optional_input(inputs, "timestep_cond"))}};
  }
  FileParameters parameters() override { return loaded_.file_parameters; }

 private:
  Loaded loaded_;
};

}  // namespace

UNet load_unet(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  return load(folder, options).unet;
}

void save_unet(const std::filesystem::path& folder, UNet& unet) {
  save_hf_folder(folder, unet_config_to_json(unet->config()), base_state_dict(*unet),
                 "diffusion_pytorch_model");
}

Component unet_component() {
  return {
      .name = "unet",
      .reference_class = "diffusers UNet2DConditionModel, original Stable Diffusion",
      .arguments = {{"sample", Argument::Kind::kFeature, {4}},
                    {"timestep", Argument::Kind::kNumber, {0, 1}},
                    {"encoder_hidden_states", Argument::Kind::kFeature, {3}},
                    {"encoder_attention_mask", Argument::Kind::kIndex, {2}, /*required=*/false},
                    {"timestep_cond", Argument::Kind::kFeature, {2}, /*required=*/false}},
      .load = [](const std::filesystem::path& folder, torch::Device device,
                 torch::ScalarType dtype) {
        return std::make_unique<Runner>(load(folder, torch::TensorOptions(dtype).device(device)));
      }};
}

}  // namespace reasonbrain::models::unet
