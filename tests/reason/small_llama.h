// A LLaMA small enough for a test, a sequence for it, token selection in that sequence, and
// gradients of adapters against differences.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include "core/rng_tensor.h"
#include "models/llama/llama.h"
#include "models/lora.h"
#include "reason/token_selection.h"

namespace reasonbrain::reason {

using models::llama::Llama;
using models::llama::LlamaConfig;

// [2 other | 6 picture | 3 text | 2 guidance]
inline constexpr int64_t kLength = 13, kImage = 2, kNumImage = 6, kText = 8, kNumText = 3,
                         kImg = 11;

inline Llama small_llama(torch::ScalarType dtype = torch::kFloat32, double range = 0.4) {
  LlamaConfig config;
  config.vocab_size = 11;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_hidden_layers = 4;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.initializer_range = range;
  Llama llama(config, nn::Build{.tensor = torch::TensorOptions(dtype)});
  nn::init_weights(*llama, /*seed=*/5);
  return llama;
}

inline torch::Tensor states(int64_t batch, torch::ScalarType dtype = torch::kFloat32) {
  Rng rng(/*seed=*/8);
  return randn(rng, {batch, kLength, 16}).to(dtype);
}

inline SelectionInput input(int64_t batch) {
  SelectionInput out;
  out.eligible = at::arange(kImage, kImage + kNumImage, torch::kInt64);
  out.asking = at::arange(kText, kText + kNumText, torch::kInt64);
  out.asking_keep = at::ones({batch, kNumText}, torch::kBool);
  out.img_begin = kImg;
  out.img_end = out.length = kLength;
  return out;
}

inline TokenSelectionOptions options(int64_t count) {
  TokenSelectionOptions out;
  out.enabled = true;
  out.layer = 1;
  out.keep_count = count;
  return out;
}

inline torch::Tensor guidance(Llama& llama, const torch::Tensor& embeddings,
                              models::llama::LayerHook& selection, const torch::Tensor& mask = {},
                              const torch::Tensor& positions = {}) {
  const torch::Tensor last =
      llama->forward(embeddings, mask, positions, &selection).last_hidden_state;
  return last.narrow(1, last.size(1) - 2, 2);
}

inline double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Adapters on q, k and v that are not zero, the only parameters that learn.
inline std::map<std::string, torch::Tensor> attach_adapters(Llama& llama) {
  models::attach_lora(*llama, {.targets = {"q_proj", "k_proj", "v_proj"}}, /*seed=*/3);
  nn::set_requires_grad(*llama, false);
  std::map<std::string, torch::Tensor> adapters;
  for (auto& entry : llama->named_parameters()) {
    if (!models::is_lora_parameter(entry.key())) continue;
    const torch::NoGradGuard no_grad;
    Rng rng(/*seed=*/4, {hash_key(entry.key())});
    entry.value().copy_(randn(rng, entry.value().sizes()) * 0.1);
    adapters[entry.key()] = entry.value().set_requires_grad(true);
  }
  return adapters;
}

// The slope of `f` along `direction` at the parameter's value, by central differences.
inline double slope(const std::function<double()>& f, torch::Tensor parameter,
                    const torch::Tensor& direction) {
  constexpr double kStep = 0.01;  // much smaller, and the rounding of float32 norms shows
  const torch::NoGradGuard no_grad;
  const torch::Tensor start = parameter.clone();
  const auto at = [&](double steps) {
    parameter.copy_(start + direction * (steps * kStep));
    return f();
  };
  const double near = at(1) - at(-1), far = at(2) - at(-2);
  parameter.copy_(start);
  return (8 * near - far) / (12 * kStep);
}

// Gradients of the adapters against the slopes of `f` along one direction each.
inline void expect_slopes(const std::map<std::string, torch::Tensor>& adapters,
                          const std::function<double()>& f) {
  for (const auto& [name, parameter] : adapters) {
    Rng rng(/*seed=*/6, {hash_key(name)});
    const torch::Tensor direction = randn(rng, parameter.sizes()).to(parameter.dtype());
    const torch::Tensor& grad = parameter.grad();
    const double expected = grad.defined() ? (grad * direction).sum().item<double>() : 0;
    EXPECT_NEAR(slope(f, parameter, direction), expected, 1e-3 * std::max(1.0, std::abs(expected)))
        << name;
  }
}

}  // namespace reasonbrain::reason
