#include "models/vae/runner.h"

#include "core/str.h"
#include "models/hf_folder.h"
#include "models/vae/key_map.h"

namespace reasonbrain::models::vae {
namespace {

struct Loaded {
  AutoencoderKL vae{nullptr};
  FileParameters file_parameters;
};

Loaded load(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  const VaeConfig config =
      vae_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded loaded;
  loaded.vae = AutoencoderKL(config, nn::Build{.tensor = options});
  const io::TensorStore store(folder);
  loaded.file_parameters = load_weights(*loaded.vae, store, key_table(config, store.keys()));
  return loaded;
}

class Runner : public ComponentRunner {
 public:
  Runner(Loaded loaded, bool encode) : loaded_(std::move(loaded)), encode_(encode) {}

  Tensors run(const Tensors& inputs) override {
    if (!encode_) return {{"sample", loaded_.vae->decode(inputs.at("latent"))}};
    const Posterior posterior = loaded_.vae->encode(inputs.at("sample"));
    return {{"mean", posterior.mean}, {"logvar", posterior.logvar}};
  }
  FileParameters parameters() override { return loaded_.file_parameters; }

 private:
  Loaded loaded_;
  bool encode_;
};

Component component(const std::string& name, const std::string& argument, bool encode) {
  return {.name = name,
          .reference_class = "diffusers AutoencoderKL, original Stable Diffusion and FLUX",
          .arguments = {{argument, Argument::Kind::kFeature, {4}}},
          .load = [encode](const std::filesystem::path& folder, torch::Device device,
                           torch::ScalarType dtype) {
            return std::make_unique<Runner>(
                load(folder, torch::TensorOptions(dtype).device(device)), encode);
          }};
}

}  // namespace

AutoencoderKL load_vae(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  return load(folder, options).vae;
}

void save_vae(const std::filesystem::path& folder, AutoencoderKL& vae) {
  save_hf_folder(folder, vae_config_to_json(vae->config()), base_state_dict(*vae),
                 "diffusion_pytorch_model");
}

Component encode_component() {
  return component("vae-encode", "sample", /*encode=*/true);
}
Component decode_component() {
  return component("vae-decode", "latent", /*encode=*/false);
}

}  // namespace reasonbrain::models::vae
