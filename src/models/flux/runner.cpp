#include "models/flux/runner.h"

#include "models/flux/key_map.h"
#include "models/hf_folder.h"
#include "models/lora.h"

namespace reasonbrain::models::flux {
namespace {

struct Loaded {
  Flux flux{nullptr};
  FileParameters file_parameters;
};

Loaded load(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  const FluxConfig config =
      flux_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded loaded;
  loaded.flux = Flux(config, nn::Build{.tensor = options});
  const io::TensorStore store(folder);
  loaded.file_parameters = load_weights(*loaded.flux, store, key_table(store.keys()));
  loaded.file_parameters.merge(FileParameters(load_adapter_beside(*loaded.flux, folder)));
  return loaded;
}

// Positions are the same for every sample; the reference takes them with a batch dimension too.
torch::Tensor positions(const Tensors& inputs, const std::string& name) {
  const torch::Tensor& ids = inputs.at(name);
  return ids.dim() == 3 ? ids[0] : ids;
}

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    FluxInputs in;
    in.hidden_states = inputs.at("hidden_states");
    in.encoder_hidden_states = inputs.at("encoder_hidden_states");
    in.pooled_projections = inputs.at("pooled_projections");
    in.timestep = inputs.at("timestep");
    in.guidance = optional_input(inputs, "guidance");
    in.img_ids = positions(inputs, "img_ids");
    in.txt_ids = positions(inputs, "txt_ids");
    return {{"sample", loaded_.flux(in)}};
  }
  FileParameters parameters() override { return loaded_.file_parameters; }

 private:
  Loaded loaded_;
};

}  // namespace

Flux load_flux(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  return load(folder, options).flux;
}

void save_flux(const std::filesystem::path& folder, Flux& flux) {
  save_hf_folder(folder, flux_config_to_json(flux->config()), base_state_dict(*flux),
                 "diffusion_pytorch_model");
}

Component flux_component() {
  return {
      .name = "flux",
      .reference_class = "diffusers FluxTransformer2DModel, original FLUX.1",
      .arguments = {{"hidden_states", Argument::Kind::kFeature, {3}},
                    {"encoder_hidden_states", Argument::Kind::kFeature, {3}},
                    {"pooled_projections", Argument::Kind::kFeature, {2}},
                    {"timestep", Argument::Kind::kNumber, {0, 1}},
                    {"guidance", Argument::Kind::kNumber, {0, 1}, /*required=*/false},
                    {"img_ids", Argument::Kind::kNumber, {2, 3}},
                    {"txt_ids", Argument::Kind::kNumber, {2, 3}}},
      .load = [](const std::filesystem::path& folder, torch::Device device,
                 torch::ScalarType dtype) {
        return std::make_unique<Runner>(load(folder, torch::TensorOptions(dtype).device(device)));
      }};
}

}  // namespace reasonbrain::models::flux
