// SAM's image encoder (Kirillov et al. 2023, after ViTDet): transformers' SamVisionEncoder.
// Legend: B batch, C channels, S image_size, g = grid() patches a side, W hidden_size,
// O output_channels, s side of what a layer attends in (window or grid), D head width.
#pragma once

#include "models/sam/blocks.h"
#include "models/sam/config.h"
#include "nn/conv.h"

namespace reasonbrain::models::sam {

// Self-attention inside squares of side `side`; rows and columns add a learned term of the
// difference of positions (Li et al. 2022, MViTv2).
class VisionAttentionImpl : public nn::Module {
 public:
  VisionAttentionImpl(const VisionConfig& config, int64_t side, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states);  // [B', s, s, W] -> same

  nn::Linear qkv{nullptr}, proj{nullptr};
  torch::Tensor rel_pos_h, rel_pos_w;  // [2 s - 1, D] or undefined

 private:
  torch::Tensor position_bias(const torch::Tensor& query) const;  // [B', heads, s*s, D] ->
                                                                  // [B', heads, s*s, s*s]
  int64_t num_heads_, side_;
};
TORCH_MODULE(VisionAttention);

class VisionLayerImpl : public nn::Module {
 public:
  VisionLayerImpl(const VisionConfig& config, int64_t window, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states);  // [B, g, g, W] -> same

  nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr};
  VisionAttention attn{nullptr};
  Mlp mlp{nullptr};

 private:
  int64_t window_;
};
TORCH_MODULE(VisionLayer);

class NeckImpl : public nn::Module {
 public:
  NeckImpl(const VisionConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states);  // [B, g, g, W] -> [B, O, g, g]

  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  MapNorm layer_norm1{nullptr}, layer_norm2{nullptr};
};
TORCH_MODULE(Neck);

class VisionEncoderImpl : public nn::Module {
 public:
  VisionEncoderImpl(const VisionConfig& config, const nn::Build& build);

  // Error(kData) when the picture is not of the configured size.
  torch::Tensor forward(const torch::Tensor& pixel_values);  // [B, C, S, S] -> [B, O, g, g]

 private:
  VisionConfig config_;
  nn::Conv2d projection_{nullptr};
  torch::Tensor pos_embed;  // [1, g, g, W] or undefined
  torch::nn::ModuleList layers_;
  Neck neck_{nullptr};
};
TORCH_MODULE(VisionEncoder);

}  // namespace reasonbrain::models::sam
