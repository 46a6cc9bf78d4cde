#include "models/t5/runner.h"

#include <nlohmann/json.hpp>

#include "models/hf_folder.h"
#include "models/t5/key_map.h"

namespace reasonbrain::models::t5 {
namespace {

struct Loaded {
  T5Encoder encoder{nullptr};
  FileParameters file_parameters;
};

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const T5Config config =
      parse_t5_config(read_hf_config(folder), (folder / "config.json").string());
  Loaded loaded;
  loaded.encoder = T5Encoder(config, build);
  const io::TensorStore store(folder);
  const bool two_tables = differ(store, "shared.weight", "encoder.embed_tokens.weight");
  loaded.file_parameters =
      load_weights(*loaded.encoder, store, key_table(config, store.keys(), two_tables));
  return loaded;
}

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    const torch::Tensor& ids = inputs.at("input_ids");
    expect_below(inputs, "input_ids", loaded_.encoder->config().vocab_size);
    expect_sizes(inputs, "attention_mask", ids.sizes().vec());
    return {{"last_hidden_state", loaded_.encoder(ids, optional_input(inputs, "attention_mask"))}};
  }
  FileParameters parameters() override { return loaded_.file_parameters; }

 private:
  Loaded loaded_;
};

}  // namespace

T5Encoder load_t5(const std::filesystem::path& folder, const nn::Build& build) {
  return load(folder, build).encoder;
}

void save_t5(const std::filesystem::path& folder, T5Encoder& encoder) {
  save_hf_folder(folder, to_hf_config(encoder->config()), base_state_dict(*encoder));
}

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
