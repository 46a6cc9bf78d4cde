#include "models/qformer/runner.h"

#include <regex>

#include "models/hf_folder.h"

namespace reasonbrain::models::qformer {
namespace {

// BERT's text branch and heads, which stage-1 files hold too.
bool is_text_key(const std::string& key) {
  static const std::regex text(
      R"(encoder\.layer\.\d+\.(intermediate|output)\..*|embeddings\..*|cls\..*|query_tokens)");
  return std::regex_match(key, text);
}

std::optional<std::string> module_key(const std::string& file_key) {
  constexpr std::string_view kPrefix = "qformer.";
  const std::string key =
      file_key.starts_with(kPrefix) ? file_key.substr(kPrefix.size()) : file_key;
  if (is_text_key(key)) return std::nullopt;
  return key;
}

struct Loaded {
  QFormer qformer{nullptr};
  nn::StateDict file_parameters;
};

Loaded load(const std::filesystem::path& folder, const torch::TensorOptions& options) {
  const QFormerConfig config =
      qformer_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded loaded;
  loaded.qformer = QFormer(config, nn::Build{.tensor = options});
  loaded.file_parameters = load_weights(*loaded.qformer, io::TensorStore(folder), module_key);
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
      .reference_class = "transformers Blip2QFormerModel",
      .arguments = {{"query_embeds", Argument::Kind::kFeature, {3}},
                    {"encoder_hidden_states", Argument::Kind::kFeature, {3}},
                    {"encoder_attention_mask", Argument::Kind::kIndex, {2}, /*required=*/false}},
      .load = [](const std::filesystem::path& folder, torch::Device device,
                 torch::ScalarType dtype) {
        return std::make_unique<Runner>(load(folder, torch::TensorOptions(dtype).device(device)));
      }};
}

}  // namespace reasonbrain::models::qformer
