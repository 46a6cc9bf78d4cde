#include "models/llama/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/rope.h"

namespace reasonbrain::models::llama {
namespace {

double original_length(const LlamaConfig& config) {
  const int64_t original = config.rope_scaling.original_max_position_embeddings;
  return static_cast<double>(original ? original : config.max_position_embeddings);
}

// 0 where frequencies are stretched in full, 1 where they stay.
torch::Tensor blend(const torch::Tensor& frequency, double factor, const torch::Tensor& stay) {
  return (1 - stay) * frequency / factor + stay * frequency;
}

// Llama 3.1: long waves are stretched by `factor`, short ones stay, those between are blended.
torch::Tensor llama3(const torch::Tensor& frequency, const LlamaConfig& config) {
  const RopeScaling& rope = config.rope_scaling;
  const torch::Tensor waves = 2.0 * std::numbers::pi / frequency;  // positions per turn
  const torch::Tensor stay = (original_length(config) / waves - rope.low_freq_factor) /
                             (rope.high_freq_factor - rope.low_freq_factor);
  return blend(frequency, rope.factor, stay.clamp(0, 1));
}

double yarn_growth(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

// YaRN (Peng et al. 2023): a ramp over the dimensions, from those that turn often and stay to those
// that turn less than once in the context of training.
Rotation yarn(const torch::Tensor& frequency, const LlamaConfig& config, double factor) {
  const RopeScaling& rope = config.rope_scaling;
  const double width = static_cast<double>(config.head_width());
  const auto dimension = [&](double turns) {
    return width * std::log(original_length(config) / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(config.rope_theta));
  };
  double low = dimension(rope.beta_fast ? rope.beta_fast : 32);
  double high = dimension(rope.beta_slow ? rope.beta_slow : 1);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, width - 1);
  if (low == high) high += 0.001;
  const torch::Tensor ramp =
      (at::arange(frequency.size(0), frequency.options()) - low) / (high - low);
  double scale = rope.attention_factor;
  if (scale == 0) {
    scale = rope.mscale && rope.mscale_all_dim
                ? yarn_growth(factor, rope.mscale) / yarn_growth(factor, rope.mscale_all_dim)
                : yarn_growth(factor, 1);
  }
  return {blend(frequency, factor, 1 - ramp.clamp(0, 1)), scale};
}

// LongRoPE (Ding et al. 2024): a searched factor for each frequency, one set for each length.
Rotation longrope(const torch::Tensor& frequency, const LlamaConfig& config, double factor,
                  int64_t length) {
  const RopeScaling& rope = config.rope_scaling;
  const bool beyond = static_cast<double>(length) > original_length(config);
  const torch::Tensor factors =
      at::tensor(beyond ? rope.long_factor : rope.short_factor, frequency.options());
  double scale = rope.attention_factor;
  if (scale == 0) {
    scale = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(original_length(config)));
  }
  return {frequency / factors, scale};
}

// Only the first part of the frequencies turns; the width of the head stays.
torch::Tensor proportional(const torch::Tensor& frequency, const LlamaConfig& config) {
  const RopeScaling& rope = config.rope_scaling;
  const auto turning = static_cast<int64_t>(
      std::floor(rope.partial_rotary_factor * static_cast<double>(config.head_width()) / 2));
  torch::Tensor out = frequency / (rope.factor != 0 ? rope.factor : 1);
  if (turning < out.size(0)) out.narrow(0, turning, out.size(0) - turning).zero_();
  return out;
}

}  // namespace

bool depends_on_length(const RopeScaling& rope) {
  return rope.rope_type == "dynamic" || rope.rope_type == "longrope";
}

Rotation rotation(const LlamaConfig& config, int64_t length, torch::Device device) {
  const RopeScaling& rope = config.rope_scaling;
  const double width = static_cast<double>(config.head_width());
  const double trained = static_cast<double>(config.max_position_embeddings);
  double theta = config.rope_theta;
  if (rope.rope_type == "dynamic" && config.head_width() > 2) {  // NTK-aware
    const double stretch =
        rope.factor * std::max(static_cast<double>(length), trained) / trained - (rope.factor - 1);
    theta *= std::pow(stretch, width / (width - 2));
  }
  const torch::Tensor frequency = nn::rope_inverse_frequency(config.head_width(), theta, device);
  const double growth = rope.factor ? rope.factor : trained / original_length(config);
  if (rope.rope_type == "linear") return {frequency / rope.factor};
  if (rope.rope_type == "llama3") return {llama3(frequency, config)};
  if (rope.rope_type == "yarn") return yarn(frequency, config, growth);
  if (rope.rope_type == "longrope") return longrope(frequency, config, growth, length);
  if (rope.rope_type == "proportional") return {proportional(frequency, config)};
  return {frequency};
}

}  // namespace reasonbrain::models::llama
