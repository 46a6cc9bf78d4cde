#include "models/qformer/qformer.h"

#include <algorithm>

#include "core/str.h"
#include "models/register_at.h"
#include "nn/attention.h"

namespace reasonbrain::models::qformer {
namespace {

void check_width(const torch::Tensor& x, const char* name, int64_t width, const char* option) {
  if (x.dim() == 3 && x.size(2) == width) return;
  throw data_error(reasonbrain::str("QFormer: ", name, " has shape ", x.sizes(),
                                    ", expected [B, tokens, ", width, "] (", option, ")"));
}

void check_together(const torch::Tensor& queries, const torch::Tensor& states,
                    const torch::Tensor& mask) {
  const int64_t batch = queries.size(0), of_states = states.size(0);
  if (batch != of_states && batch != 1 && of_states != 1) {
    throw data_error(reasonbrain::str("QFormer: query_embeds has shape ", queries.sizes(),
                                      ", expected the batch of encoder_hidden_states, ", of_states,
                                      ", or 1"));
  }
  if (mask.defined() && mask.sizes() != states.sizes().slice(0, 2)) {
    throw data_error(reasonbrain::str("QFormer: encoder_attention_mask has shape ", mask.sizes(),
                                      ", expected ", states.sizes().slice(0, 2),
                                      ", as encoder_hidden_states"));
  }
}

}  // namespace

PostNormAttentionImpl::PostNormAttentionImpl(const QFormerConfig& config, int64_t key_width,
                                             const nn::Build& build)
    : num_heads_(config.num_attention_heads) {
  const int64_t width = config.hidden_size;
  query_ = register_at(*this, "attention.query", nn::Linear(width, width, /*bias=*/true, build));
  key_ = register_at(*this, "attention.key", nn::Linear(key_width, width, /*bias=*/true, build));
  value_ =
      register_at(*this, "attention.value", nn::Linear(key_width, width, /*bias=*/true, build));
  dense_ = register_at(*this, "output.dense", nn::Linear(width, width, /*bias=*/true, build));
  norm_ =
      register_at(*this, "output.LayerNorm", nn::LayerNorm(width, config.layer_norm_eps, build));
}

torch::Tensor PostNormAttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& states,
                                             const torch::Tensor& mask) {
  const torch::Tensor read = nn::attention(nn::split_heads(query_(x), num_heads_),
                                           nn::split_heads(key_(states), num_heads_),
                                           nn::split_heads(value_(states), num_heads_), mask);
  return norm_(dense_(nn::merge_heads(read)) + x);
}

QFormerLayerImpl::QFormerLayerImpl(const QFormerConfig& config, bool cross_attention,
                                   const nn::Build& build)
    : activation_(nn::parse_activation(config.hidden_act)) {
  const int64_t width = config.hidden_size;
  attention = register_module("attention", PostNormAttention(config, width, build));
  if (cross_attention) {
    crossattention = register_module("crossattention",
                                     PostNormAttention(config, config.encoder_hidden_size, build));
  }
  ff_in_ = register_at(*this, "intermediate_query.dense",
                       nn::Linear(width, config.intermediate_size, /*bias=*/true, build));
  ff_out_ = register_at(*this, "output_query.dense",
                        nn::Linear(config.intermediate_size, width, /*bias=*/true, build));
  ff_norm_ = register_at(*this, "output_query.LayerNorm",
                         nn::LayerNorm(width, config.layer_norm_eps, build));
}

torch::Tensor QFormerLayerImpl::forward(torch::Tensor x, const torch::Tensor& states,
                                        const torch::Tensor& mask) {
  x = attention(x, x, torch::Tensor());
  if (crossattention) x = crossattention(x, states, mask);
  return ff_norm_(ff_out_(nn::activate(ff_in_(x), activation_)) + x);
}

QFormerImpl::QFormerImpl(const QFormerConfig& config, const nn::Build& base) : config_(config) {
  config.validate();
  const nn::Build build = base.normal(config.initializer_range);
  layernorm =
      register_module("layernorm", nn::LayerNorm(config.hidden_size, config.layer_norm_eps, build));
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const bool cross_attention = i % config.cross_attention_frequency == 0;
    layers_.push_back(
        register_at(*this, str("encoder.layer.", i), QFormerLayer(config, cross_attention, build)));
  }
}

torch::Tensor QFormerImpl::forward(const torch::Tensor& query_embeds,
                                   const torch::Tensor& encoder_hidden_states,
                                   const torch::Tensor& encoder_attention_mask) {
  check_width(query_embeds, "query_embeds", config_.hidden_size, "hidden_size");
  check_width(encoder_hidden_states, "encoder_hidden_states", config_.encoder_hidden_size,
              "encoder_hidden_size");
  check_together(query_embeds, encoder_hidden_states, encoder_attention_mask);
  const torch::Tensor mask =
      encoder_attention_mask.defined()
          ? nn::additive_key_mask(encoder_attention_mask, encoder_hidden_states.scalar_type(),
                                  nn::BlindRow::kZero)
          : torch::Tensor();
  const int64_t batch = std::max(query_embeds.size(0), encoder_hidden_states.size(0));
  const torch::Tensor states = encoder_hidden_states.expand({batch, -1, -1});
  torch::Tensor x = layernorm(query_embeds).expand({batch, -1, -1});
  for (auto& layer : layers_) x = layer(x, states, mask);
  return x;
}

}  // namespace reasonbrain::models::qformer
