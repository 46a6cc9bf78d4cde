#include "models/clip/text.h"

#include <cmath>

#include "core/str.h"
#include "nn/attention.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::clip {
namespace {

constexpr double kEmbeddingStd = 0.02;     // as the reference initialises
constexpr int64_t kLargestIdEndsText = 2;  // an eos_token_id that marks an old configuration

}  // namespace

TextEmbeddingsImpl::TextEmbeddingsImpl(const TextConfig& config, const nn::Build& build) {
  const nn::Build normal = build.normal(kEmbeddingStd);
  token_embedding = register_module("token_embedding",
                                    nn::Embedding(config.vocab_size, config.hidden_size, normal));
  position_embedding =
      register_module("position_embedding",
                      nn::Embedding(config.max_position_embeddings, config.hidden_size, normal));
}

torch::Tensor TextEmbeddingsImpl::forward(const torch::Tensor& input_ids) {
  return token_embedding(input_ids) + position_embedding->weight.narrow(0, 0, input_ids.size(1));
}

TextTransformerImpl::TextTransformerImpl(const TextConfig& config, const nn::Build& build) {
  embeddings = register_module("embeddings", TextEmbeddings(config, build));
  encoder = register_module("encoder", Encoder(config, build));
  final_layer_norm = register_module(
      "final_layer_norm", nn::LayerNorm(config.hidden_size, config.layer_norm_eps, build));
}

TextModelImpl::TextModelImpl(const TextConfig& config, bool with_projection, const nn::Build& build)
    : config_(config) {
  text_model = register_module("text_model", TextTransformer(config, build));
  if (with_projection) {
    const double std = 1.0 / std::sqrt(static_cast<double>(config.hidden_size));
    text_projection =
        register_module("text_projection", nn::Linear(config.hidden_size, config.projection_dim,
                                                      /*bias=*/false, build.normal(std)));
  }
}

torch::Tensor TextModelImpl::end_positions(const torch::Tensor& input_ids) const {
  if (config_.eos_token_id == kLargestIdEndsText) return input_ids.argmax(-1);
  return (input_ids == config_.eos_token_id).to(torch::kInt32).argmax(-1);  // the first one
}

TextOutput TextModelImpl::forward(const torch::Tensor& input_ids,
                                  const torch::Tensor& attention_mask) {
  if (input_ids.size(1) > config_.max_position_embeddings) {
    throw data_error(str("the text has ", input_ids.size(1), " tokens; CLIP takes at most ",
                         config_.max_position_embeddings));
  }
  const torch::Tensor embeddings = text_model->embeddings(input_ids);
  Mask mask{.causal = true};
  if (attention_mask.defined()) {
    const int64_t length = input_ids.size(1);
    mask.additive = at::minimum(
        nn::additive_causal_mask(length, length, embeddings.options()),
        nn::additive_key_mask(attention_mask, embeddings.scalar_type(), nn::BlindRow::kZero));
    mask.causal = false;
  }
  TextOutput out;
  out.hidden_states = text_model->encoder(embeddings, mask, config_.num_hidden_layers);
  out.last_hidden_state = text_model->final_layer_norm(out.hidden_states.back());
  const torch::Tensor rows = at::arange(input_ids.size(0), input_ids.options());
  out.pooler_output = out.last_hidden_state.index({rows, end_positions(input_ids)});
  if (has_projection()) out.text_embeds = text_projection(out.pooler_output);
  return out;
}

}  // namespace reasonbrain::models::clip
