// The querying transformer of BLIP-2 (Li et al. 2023; transformers Blip2QFormerModel), query path
// only. Legend: B batch, Q queries, W hidden_size, N encoder states, E encoder_hidden_size.
#pragma once

#include <vector>

#include "models/qformer/config.h"
#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace reasonbrain::models::qformer {

// BERT's attention: multi-head attention, projection, residual, layer norm after it.
class PostNormAttentionImpl : public nn::Module {
 public:
  PostNormAttentionImpl(const QFormerConfig& config, int64_t key_width, const nn::Build& build);

  torch::Tensor forward(const torch::Tensor& x,       // [B, Q, W] -> same
                        const torch::Tensor& states,  // [B, K, key_width]
                        const torch::Tensor& mask);   // additive [B, 1, 1, K], or undefined

 private:
  nn::Linear query_{nullptr}, key_{nullptr}, value_{nullptr}, dense_{nullptr};
  nn::LayerNorm norm_{nullptr};
  int64_t num_heads_;
};
TORCH_MODULE(PostNormAttention);

class QFormerLayerImpl : public nn::Module {
 public:
  QFormerLayerImpl(const QFormerConfig& config, bool cross_attention, const nn::Build& build);

  torch::Tensor forward(torch::Tensor x,              // [B, Q, W] -> same
                        const torch::Tensor& states,  // [B, N, E]
                        const torch::Tensor& mask);   // additive [B, 1, 1, N], or undefined

 private:
  PostNormAttention attention{nullptr}, crossattention{nullptr};
  nn::Linear ff_in_{nullptr}, ff_out_{nullptr};
  nn::LayerNorm ff_norm_{nullptr};
  nn::Activation activation_;
};
TORCH_MODULE(QFormerLayer);

class QFormerImpl : public nn::Module {
 public:
  QFormerImpl(const QFormerConfig& config, const nn::Build& build);

  // -> last_hidden_state [B, Q, W]. Throws Error(kData) when a width does not fit the
  // configuration, or a batch or the mask the other inputs.
  torch::Tensor forward(
      const torch::Tensor& query_embeds,                  // [B, Q, W], or [1, Q, W]
      const torch::Tensor& encoder_hidden_states,         // [B, N, E]
      const torch::Tensor& encoder_attention_mask = {});  // [B, N], nonzero = read

  const QFormerConfig& config() const { return config_; }

 private:
  QFormerConfig config_;
  nn::LayerNorm layernorm{nullptr};
  std::vector<QFormerLayer> layers_;
};
TORCH_MODULE(QFormer);

}  // namespace reasonbrain::models::qformer
