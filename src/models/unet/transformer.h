// The attention part of a UNet level (diffusers Transformer2DModel, BasicTransformerBlock).
// Legend: B batch, P = H * W positions, C channels, L context tokens, D width of the context.
#pragma once

#include <vector>

#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace reasonbrain::models::unet {

// What the blocks read beside the picture.
struct Conditioning {
  torch::Tensor time;          // [B, E], activated
  torch::Tensor context;       // [B, L, D]
  torch::Tensor context_mask;  // additive [B, 1, 1, L], or undefined
};

struct TransformerOptions {
  int64_t num_heads = 8;
  int64_t num_layers = 1;
  int64_t context_width = 768;
  int64_t norm_groups = 32;
  bool linear_projection = false;
  bool only_cross_attention = false;
};

class CrossAttentionImpl : public nn::Module {
 public:
  CrossAttentionImpl(int64_t width, int64_t context_width, int64_t num_heads,
                     const nn::Build& build);

  torch::Tensor forward(const torch::Tensor& x,        // [B, P, C] -> same
                        const torch::Tensor& context,  // [B, L, D]; x itself for self-attention
                        const torch::Tensor& mask);    // additive [B, 1, 1, L], or undefined

 private:
  nn::Linear to_q{nullptr}, to_k{nullptr}, to_v{nullptr}, to_out{nullptr};
  int64_t num_heads_;
};
TORCH_MODULE(CrossAttention);

// Self-attention (or a first look at the context), cross-attention, gated-GELU feed-forward; each
// pre-normalised and residual.
class TransformerBlockImpl : public nn::Module {
 public:
  TransformerBlockImpl(int64_t width, const TransformerOptions& options, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x, const Conditioning& c);  // [B, P, C] -> same

 private:
  nn::LayerNorm norm1{nullptr}, norm2{nullptr}, norm3{nullptr};
  CrossAttention attn1{nullptr}, attn2{nullptr};
  nn::Linear ff_in{nullptr}, ff_out{nullptr};
  bool only_cross_attention_;
};
TORCH_MODULE(TransformerBlock);

class SpatialTransformerImpl : public nn::Module {
 public:
  SpatialTransformerImpl(int64_t channels, const TransformerOptions& options,
                         const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x, const Conditioning& c);  // [B, C, H, W] -> same

 private:
  nn::GroupNorm norm{nullptr};
  nn::Conv2d conv_in_{nullptr}, conv_out_{nullptr};  // one of the two pairs
  nn::Linear linear_in_{nullptr}, linear_out_{nullptr};
  std::vector<TransformerBlock> blocks_;
};
TORCH_MODULE(SpatialTransformer);

}  // namespace reasonbrain::models::unet
