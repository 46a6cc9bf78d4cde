#include "models/flux/runner.h"

#include "models/flux/folder.h"

namespace reasonbrain::models::flux {
namespace {

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
    return {{"sample", loaded_.model(in)}};
  }
  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  Loaded loaded_;
};

}  // namespace

Component flux_component() {
  return {.name = "flux",
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
            return std::make_unique<Runner>(
                load(folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)}));
          }};
}

}  // namespace reasonbrain::models::flux
