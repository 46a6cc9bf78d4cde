#include "models/qformer/runner.h"

#include "models/hf_folder.h"
#include "models/qformer/key_map.h"

namespace reasonbrain::models::qformer {
namespace {

struct Loaded {
  QFormer qformer{nullptr};
  FileParameters file_parameters;
};

Loaded load(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  const QFormerConfig config =
      qformer_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded loaded;
  loaded.qformer = QFormer(config, nn::Build{.tensor = options});
  const io::TensorStore store(folder);
  loaded.file_parameters = load_weights(*loaded.qformer, store, key_table(store.keys()));
  return loaded;
}

class Runner : public ComponentRunner {
 public:
  explicit Runner(Loaded loaded) : loaded_(std::move(loaded)) {}

  Tensors run(const Tensors& inputs) override {
    return {{"last_hidden_state",
             loaded_.qformer(inputs.at("query_embeds"), inputs.at("encoder_hidden_states"),
                             optional_input(inputs, "encoder_attention_mask"))}};
  }
  FileParameters parameters() override { return loaded_.file_parameters; }

 private:
  Loaded loaded_;
};

}  // namespace

QFormer load_qformer(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  return load(folder, options).qformer;
}

void save_qformer(const std::filesystem::path& folder, QFormer& qformer) {
  save_hf_folder(folder, qformer_config_to_json(qformer->config()), base_state_dict(*qformer));
}

Component qformer_component() {
  return {
      .name = "qformer",
      .reference_class = "transformers Blip2QFormerModel, LAVIS",
      .arguments = {{"query_embeds", Argument::Kind::kFeature, {3}},
                    {"encoder_hidden_states", Argument::Kind::kFeature, {3}},
                    {"encoder_attention_mask", Argument::Kind::kIndex, {2}, /*required=*/false}},
      .load = [](const std::filesystem::path& folder, torch::Device device,
                 torch::ScalarType dtype) {
        return std::make_unique<Runner>(load(folder, torch::TensorOptions(dtype).device(device)));
      }};
}

}  // namespace reasonbrain::models::qformer
