#include "models/llama/runner.h"

#include "core/str.h"
#include "models/llama/folder.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llama {
namespace {

class Runner : public ComponentRunner {
 public:
  Runner(const std::filesystem::path& folder, const nn::Build& build)
      : loaded_(load(folder, build)) {}

  Tensors run(const Tensors& inputs) override {
    const torch::Tensor embeddings = input_states(inputs);
    const int64_t batch = embeddings.size(0), length = embeddings.size(1);
    const torch::Tensor positions = optional_input(inputs, "position_ids");
    const bool shared = positions.defined() && positions.size(0) == 1;
    expect_sizes(inputs, "attention_mask", {batch, length});
    expect_sizes(inputs, "position_ids", {shared ? 1 : batch, length});
    const LlamaOutput out =
        loaded_.model(embeddings, optional_input(inputs, "attention_mask"), positions,
                      /*hook=*/nullptr, /*keep_hidden_states=*/true);
    Tensors outputs = {{"logits", loaded_.model->head(out.last_hidden_state)}};
    for (size_t i = 0; i < out.hidden_states.size(); ++i) {
      outputs[str("hidden_states.", i)] = out.hidden_states[i];
    }
    return outputs;
  }

  FileParameters parameters() override { return loaded_.by_file_key; }

 private:
  torch::Tensor input_states(const Tensors& inputs) {
    const torch::Tensor ids = optional_input(inputs, "input_ids");
    const torch::Tensor embeddings = optional_input(inputs, "inputs_embeds");
    if (ids.defined() == embeddings.defined()) {
      throw data_error("llama needs exactly one of the inputs 'input_ids' and 'inputs_embeds'");
    }
    expect_below(inputs, "input_ids", loaded_.model->config().vocab_size);
    expect_sizes(inputs, "inputs_embeds", {-1, -1, loaded_.model->config().hidden_size});
    return ids.defined() ? loaded_.model->embed(ids) : embeddings;
  }

  Loaded loaded_;
};

}  // namespace

Component llama_component() {
  using Kind = Argument::Kind;
  return {"llama",
          "transformers LlamaForCausalLM, with a PEFT folder adapter/ when there",
          {{"input_ids", Kind::kIndex, {2}, /*required=*/false},
           {"inputs_embeds", Kind::kFeature, {3}, /*required=*/false},
           {"attention_mask", Kind::kIndex, {2}, /*required=*/false},
           {"position_ids", Kind::kIndex, {2}, /*required=*/false}},
          [](const std::filesystem::path& folder, torch::Device device, torch::ScalarType dtype) {
            return std::make_unique<Runner>(
                folder, nn::Build{.tensor = torch::TensorOptions(device).dtype(dtype)});
          }};
}

}  // namespace reasonbrain::models::llama
