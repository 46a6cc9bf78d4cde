// Attention blocks that the cue extractor, the ID Controller and the enhancer are made of.
// Legend: B batch, Q query tokens, K key tokens, d width.
#pragma once

#include "nn/linear.h"
#include "nn/norm.h"

namespace reasonbrain::reason {

// Multi-head attention with biases: 4 d^2 + 4 d parameters.
class AttentionImpl : public nn::Module {
 public:
  AttentionImpl(int64_t width, int64_t num_heads, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& query,  // [B, Q, d]
                        const torch::Tensor& key,    // [B, K, d]
                        const torch::Tensor& keep);  // bool [B, K] or undefined: all kept

 private:
  int64_t num_heads_;
  nn::Linear q_proj_, k_proj_, v_proj_, out_proj_;
};
TORCH_MODULE(Attention);

// CA(q, kv) = q + Attn(LN q, LN kv): the paper's cross-attention without a feed-forward part.
class CrossAttentionImpl : public nn::Module {
 public:
  CrossAttentionImpl(int64_t width, int64_t num_heads, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& query, const torch::Tensor& key,
                        const torch::Tensor& keep);

 private:
  nn::LayerNorm norm_query_, norm_key_;
  Attention attention_;
};
TORCH_MODULE(CrossAttention);

// x + W2 gelu(W1 LN x), four times wider inside.
class FeedForwardImpl : public nn::Module {
 public:
  FeedForwardImpl(int64_t width, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [B, Q, d] -> same

 private:
  nn::LayerNorm norm_;
  nn::Linear fc1_, fc2_;
};
TORCH_MODULE(FeedForward);

// Pre-norm transformer layer: self-attention and feed-forward part.
class TransformerLayerImpl : public nn::Module {
 public:
  TransformerLayerImpl(int64_t width, int64_t num_heads, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& keep);

 private:
  nn::LayerNorm norm_;
  Attention attention_;
  FeedForward feed_forward_;
};
TORCH_MODULE(TransformerLayer);

}  // namespace reasonbrain::reason
