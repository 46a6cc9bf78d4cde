#include "models/t5/t5.h"

#include <cmath>

#include "core/str.h"
#include "models/register_at.h"
#include "nn/attention.h"

namespace reasonbrain::models::t5 {
namespace {

nn::Linear linear(torch::nn::Module& owner, const std::string& path, int64_t in, int64_t out,
                  const nn::Build& build, double std) {
  return register_at(owner, path, nn::Linear(in, out, /*bias=*/false, build.normal(std)));
}

}  // namespace

torch::Tensor relative_buckets(const torch::Tensor& distance, int64_t num_buckets,
                               int64_t max_distance) {
  const int64_t half = num_buckets / 2;                         // for keys after the query
  const int64_t exact = half / 2;                               // distances with a row of their own
  const torch::Tensor size = at::maximum(distance, -distance);  // abs() knows no meta device
  const double octaves = std::log(static_cast<double>(max_distance) / static_cast<double>(exact));
  const torch::Tensor far =
      exact + (at::log(size.clamp_min(1).to(torch::kFloat32) / exact) / octaves * (half - exact))
                  .to(torch::kInt64);
  return (distance > 0).to(torch::kInt64) * half +
         at::where(size < exact, size, far.clamp_max(half - 1));
}

LayerImpl::LayerImpl(const T5Config& config, bool has_positions, const nn::Build& build)
    : num_heads_(config.num_heads), activation_(config.activation()) {
  const int64_t width = config.d_model, inner = config.inner_width();
  const auto std = [&](int64_t fan) {  // of the reference's own initialisation
    return config.initializer_factor / std::sqrt(static_cast<double>(fan));
  };
  const std::string attention = "layer.0.SelfAttention.";
  q_ = linear(*this, attention + "q", width, inner, build, std(width * config.d_kv));
  k_ = linear(*this, attention + "k", width, inner, build, std(width));
  v_ = linear(*this, attention + "v", width, inner, build, std(width));
  o_ = linear(*this, attention + "o", inner, width, build, std(inner));
  if (has_positions) {
    relative_attention_bias = register_at(
        *this, attention + "relative_attention_bias",
        nn::Embedding(config.relative_attention_num_buckets, num_heads_, build.normal(std(width))));
  }
  attention_norm_ = register_at(*this, "layer.0.layer_norm",
                                nn::RMSNorm(width, config.layer_norm_epsilon, build));

  const std::string dense = "layer.1.DenseReluDense.";
  const char* first = config.gated() ? "wi_0" : "wi";
  wi_ = linear(*this, dense + first, width, config.d_ff, build, std(width));
  if (config.gated()) gate_ = linear(*this, dense + "wi_1", width, config.d_ff, build, std(width));
  wo_ = linear(*this, dense + "wo", config.d_ff, width, build, std(config.d_ff));
  feed_forward_norm_ = register_at(*this, "layer.1.layer_norm",
                                   nn::RMSNorm(width, config.layer_norm_epsilon, build));
}

torch::Tensor LayerImpl::attend(const torch::Tensor& states, const torch::Tensor& bias) {
  const torch::Tensor query = nn::split_heads(q_(states), num_heads_);
  const torch::Tensor key = nn::split_heads(k_(states), num_heads_);
  const torch::Tensor value = nn::split_heads(v_(states), num_heads_);
  // Scores are not scaled: the initialisation of q is instead.
  return o_(
      nn::merge_heads(nn::attention(query, key, value, bias, /*causal=*/false, /*scale=*/1.0)));
}

torch::Tensor LayerImpl::feed_forward(const torch::Tensor& states) {
  const torch::Tensor inner = nn::activate(wi_(states), activation_);
  return wo_(gate_.is_empty() ? inner : inner * gate_(states));
}

torch::Tensor LayerImpl::forward(const torch::Tensor& states, const torch::Tensor& bias) {
  const torch::Tensor attended = states + attend(attention_norm_(states), bias);
  return attended + feed_forward(feed_forward_norm_(attended));
}

T5EncoderImpl::T5EncoderImpl(const T5Config& config, const nn::Build& build) : config_(config) {
  shared = register_module("shared", nn::Embedding(config.vocab_size, config.d_model,
                                                   build.normal(config.initializer_factor)));
  for (int64_t i = 0; i < config.num_layers; ++i) {
    layers_.push_back(register_at(*this, str("encoder.block.", i),
                                  Layer(config, /*has_positions=*/i == 0, build)));
  }
  final_norm_ = register_at(*this, "encoder.final_layer_norm",
                            nn::RMSNorm(config.d_model, config.layer_norm_epsilon, build));
}

torch::Tensor T5EncoderImpl::position_bias(int64_t length) {
  nn::Embedding& table = layers_.front()->relative_attention_bias;
  const torch::Tensor positions =
      at::arange(length, torch::TensorOptions(torch::kInt64).device(table->weight.device()));
  const torch::Tensor distance = positions.unsqueeze(0) - positions.unsqueeze(1);
  const torch::Tensor buckets = relative_buckets(distance, config_.relative_attention_num_buckets,
                                                 config_.relative_attention_max_distance);
  return table(buckets).permute({2, 0, 1}).unsqueeze(0);
}

torch::Tensor T5EncoderImpl::forward(const torch::Tensor& input_ids,
                                     const torch::Tensor& attention_mask) {
  torch::Tensor bias = position_bias(input_ids.size(1));
  if (attention_mask.defined())
    bias = bias + nn::additive_key_mask(attention_mask, bias.scalar_type());
  torch::Tensor states = shared(input_ids);
  for (Layer& layer : layers_) states = layer(states, bias);
  return final_norm_(states);
}

}  // namespace reasonbrain::models::t5
