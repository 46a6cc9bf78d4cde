// Token propagation inside the language model: factors on the attention logits of each head.
// Legend: B batch, L layers, H heads, d head width, D LLM width, T positions.
#pragma once

#include <vector>

#include "models/llama/llama.h"
#include "reason/hallucination_options.h"
#include "reason/pass_statistics.h"

namespace reasonbrain::reason {

// |tr(M^2)| of M = W_K^T W_Q of each head, adapters included, [L, H] in float32 or wider: how
// widely tokens spread through the head. Rotary positions are not in it.
torch::Tensor spectrum(models::llama::LlamaImpl& llm);

// The factor that the trace of Q Q^T or K K^T gives in the published code, 1 + gamma / ln t. With
// `guard`, t is at least e^2, below which the formula has a pole.
torch::Tensor activation_factor(const torch::Tensor& trace, double gamma, bool guard);

// Factors by layer and head, [L, H], from the weights; for the forms weight and relative.
torch::Tensor weight_factors(const torch::Tensor& now,    // spectrum, [L, H]
                             const torch::Tensor& start,  // spectrum before training; for relative
                             const TokenPropagationOptions& options);

// Sum of (now / start - 1)^2 over the heads of `options.layers`, scalar.
torch::Tensor propagation_penalty(const torch::Tensor& now, const torch::Tensor& start,
                                  const TokenPropagationOptions& options);

// TAME's probability that a token propagates, [..., n], by heads [...] with W = W_QK.
torch::Tensor propagation_probability(const torch::Tensor& places,        // index / length, [n]
                                      const torch::Tensor& trace,         // tr(W), [...]
                                      const torch::Tensor& square_trace,  // tr(W^2), [...]
                                      double head_width);

// How evenly tokens propagate, by layer and head, [L, H] in [0, 1]: the entropy of that probability
// over places, normalised, over the entropy of equal ones. From weights alone, adapters included.
torch::Tensor propagation_entropy(models::llama::LlamaImpl& llm);

// The rows of [L, H] that `options.layers` names.
torch::Tensor of_layers(const torch::Tensor& all, const TokenPropagationOptions& options);

class TokenPropagation : public models::llama::LayerHook {
 public:
  // `keep` bool [B, T]: padding does not count. `next` may be null.
  TokenPropagation(const TokenPropagationOptions& options, torch::Tensor factors,
                   torch::Tensor keep, models::llama::LayerHook* next);

  torch::Tensor key_mask(int64_t layer) override;
  void see_query_key(int64_t layer, const torch::Tensor& query, const torch::Tensor& key) override;
  torch::Tensor head_scale(int64_t layer) override;
  torch::Tensor wanted_rows(int64_t layer) override;
  void take_rows(int64_t layer, const torch::Tensor& weights) override;
  torch::Tensor kept_positions(int64_t layer) override;

  void report(PassStatistics& statistics) const;  // of the pass that has been

 private:
  bool scales(int64_t layer) const;
  torch::Tensor scale_of(int64_t layer, const torch::Tensor& query, const torch::Tensor& key) const;

  const TokenPropagationOptions options_;
  const torch::Tensor factors_;  // [L, H]; undefined for activation
  torch::Tensor keep_;           // [B, T] of the positions still there
  torch::Tensor hidden_;         // additive key mask of `next` for the layer in work; or undefined
  models::llama::LayerHook* next_;
  torch::Tensor scale_;                // of the layer seen last
  std::vector<torch::Tensor> scales_;  // [H] or [B, H] of each layer that is scaled
};

}  // namespace reasonbrain::reason
