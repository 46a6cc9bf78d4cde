#include "models/clip/encoder.h"

#include <cmath>

#include "nn/attention.h"

namespace reasonbrain::models::clip {
namespace {

// The standard deviations of the reference's own initialisation (initializer_factor 1).
double branch_std(
    const TowerConfig& config) {  // shrinks with depth, as two branches of each layer add up
  return 1.0 / std::sqrt(static_cast<double>(config.hidden_size * 2 * config.num_hidden_layers));
}

}  // namespace

AttentionImpl::AttentionImpl(const TowerConfig& config, const nn::Build& build)
    : num_heads_(config.num_attention_heads) {
  const int64_t width = config.hidden_size;
  const nn::Build in = build.normal(branch_std(config));
  const nn::Build out = build.normal(1.0 / std::sqrt(static_cast<double>(width)));
  q_proj = register_module("q_proj", nn::Linear(width, width, /*bias=*/true, in));
  k_proj = register_module("k_proj", nn::Linear(width, width, /*bias=*/true, in));
  v_proj = register_module("v_proj", nn::Linear(width, width, /*bias=*/true, in));
  out_proj = register_module("out_proj", nn::Linear(width, width, /*bias=*/true, out));
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& states, const Mask& mask) {
  const torch::Tensor query = nn::split_heads(q_proj(states), num_heads_);
  const torch::Tensor key = nn::split_heads(k_proj(states), num_heads_);
  const torch::Tensor value = nn::split_heads(v_proj(states), num_heads_);
  return out_proj(nn::merge_heads(nn::attention(query, key, value, mask.additive, mask.causal)));
}

MlpImpl::MlpImpl(const TowerConfig& config, const nn::Build& build)
    : activation_(nn::parse_activation(config.hidden_act)) {
  const double std = 1.0 / std::sqrt(2.0 * static_cast<double>(config.hidden_size));
  fc1 = register_module("fc1", nn::Linear(config.hidden_size, config.intermediate_size,
                                          /*bias=*/true, build.normal(std)));
  fc2 = register_module("fc2", nn::Linear(config.intermediate_size, config.hidden_size,
                                          /*bias=*/true, build.normal(branch_std(config))));
}

torch::Tensor MlpImpl::forward(const torch::Tensor& states) {
  return fc2(nn::activate(fc1(states), activation_));
}

EncoderLayerImpl::EncoderLayerImpl(const TowerConfig& config, const nn::Build& build) {
  const int64_t width = config.hidden_size;
  self_attn = register_module("self_attn", Attention(config, build));
  layer_norm1 = register_module("layer_norm1", nn::LayerNorm(width, config.layer_norm_eps, build));
  mlp = register_module("mlp", Mlp(config, build));
  layer_norm2 = register_module("layer_norm2", nn::LayerNorm(width, config.layer_norm_eps, build));
}

torch::Tensor EncoderLayerImpl::forward(const torch::Tensor& states, const Mask& mask) {
  const torch::Tensor attended = states + self_attn(layer_norm1(states), mask);
  return attended + mlp(layer_norm2(attended));
}

EncoderImpl::EncoderImpl(const TowerConfig& config, const nn::Build& build) {
  layers = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers->push_back(EncoderLayer(config, build));
}

std::vector<torch::Tensor> EncoderImpl::forward(const torch::Tensor& embeddings, const Mask& mask,
                                                int64_t num_layers) {
  std::vector<torch::Tensor> states = {embeddings};
  for (int64_t i = 0; i < num_layers; ++i) {
    states.push_back(
        layers->ptr<EncoderLayerImpl>(static_cast<size_t>(i))->forward(states.back(), mask));
  }
  return states;
}

}  // namespace reasonbrain::models::clip
