#include "models/llama/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/rope.h"

namespace reasonbrain::models::llama {
namespace {

// Llama 3.1: long waves are stretched by `factor`, short ones stay, those between are blended.
torch::Tensor llama3(const torch::Tensor& frequency, const RopeScaling& rope,
                     double original_length) {
  const torch::Tensor waves = 2.0 * std::numbers::pi / frequency;  // positions per turn
  const torch::Tensor blend = (original_length / waves - rope.low_freq_factor) /
                              (rope.high_freq_factor - rope.low_freq_factor);
  const torch::Tensor share = blend.clamp(0, 1);  // 0: stretched in full, 1: as it was
  return (1 - share) * frequency / rope.factor + share * frequency;
}

}  // namespace

torch::Tensor inverse_frequency(const LlamaConfig& config, int64_t length, torch::Device device) {
  const RopeScaling& rope = config.rope_scaling;
  const double width = static_cast<double>(config.head_width());
  double theta = config.rope_theta;
  if (rope.rope_type == "dynamic" && config.head_width() > 2) {  // NTK-aware
    const double trained = static_cast<double>(config.max_position_embeddings);
    const double stretch =
        rope.factor * std::max(static_cast<double>(length), trained) / trained - (rope.factor - 1);
    theta *= std::pow(stretch, width / (width - 2));
  }
  const torch::Tensor frequency = nn::rope_inverse_frequency(config.head_width(), theta, device);
  if (rope.rope_type == "linear") return frequency / rope.factor;
  if (rope.rope_type == "llama3") {
    const int64_t original = rope.original_max_position_embeddings;
    return llama3(frequency, rope,
                  static_cast<double>(original ? original : config.max_position_embeddings));
  }
  return frequency;
}

}  // namespace reasonbrain::models::llama
