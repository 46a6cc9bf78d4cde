#include "models/vae/runner.h"

#include "models/vae/folder.h"

namespace reasonbrain::models::vae {
namespace {

class Runner : public ComponentRunner {
 public:
  Runner(Loaded loaded, bool encode) : loaded_(std::move(loaded)), encode_(encode) {}

  Tensors run(const Tensors& inputs) override {
    if (!encode_) return {{"sample", loaded_.model->decode(inputs.at("latent"))}};
    const Posterior posterior = loaded_.model->encode(inputs.at("sample"));
    return {{"mean", posterior.mean}, {"logvar", posterior.logvar}};
  }
  FileParameters parameters() override { return loaded_.by_file_key; }

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
                load(folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)}),
                encode);
          }};
}

}  // namespace

Component encode_component() {
  return component("vae-encode", "sample", /*encode=*/true);
}
Component decode_component() {
  return component("vae-decode", "latent", /*encode=*/false);
}

}  // namespace reasonbrain::models::vae
