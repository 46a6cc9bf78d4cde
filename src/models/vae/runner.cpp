#include "models/vae/runner.h"

#include "core/str.h"
#include "models/hf_folder.h"

namespace reasonbrain::models::vae {
namespace {

// Before 2023 diffusers called the attention's projections query, key, value and proj_attn.
std::optional<std::string> module_key(const std::string& file_key) {
  static const std::vector<std::pair<std::string, std::string>> renamed{
      {"query", "to_q"}, {"key", "to_k"}, {"value", "to_v"}, {"proj_attn", "to_out.0"}};
  for (const auto& [before, after] : renamed) {
    const std::string part = "." + before + ".";
    const size_t at = file_key.rfind(part);
    if (at != std::string::npos && file_key.find(".attentions.") != std::string::npos) {
      return file_key.substr(0, at + 1) + after + file_key.substr(at + part.size() - 1);
    }
  }
  return file_key;
}

struct Loaded {
  AutoencoderKL vae{nullptr};
  nn::StateDict file_parameters;
};

Loaded load(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  const VaeConfig config =
      vae_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded loaded;
  loaded.vae = AutoencoderKL(config, nn::Build{.tensor = options});
  loaded.file_parameters = load_weights(*loaded.vae, io::TensorStore(folder), module_key);
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
          .reference_class = "diffusers AutoencoderKL",
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
