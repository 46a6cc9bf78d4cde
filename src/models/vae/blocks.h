// The levels of the autoencoder (diffusers unets/unet_2d_blocks.py). Legend: B batch, C channels.
#pragma once

#include <vector>

#include "models/unet/resnet.h"
#include "models/vae/config.h"

namespace reasonbrain::models::vae {

constexpr double kNormEps = 1e-6;

// Single-head self-attention over positions, residual.
class SelfAttentionImpl : public nn::Module {
 public:
  SelfAttentionImpl(int64_t channels, int64_t groups, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [B, C, H, W] -> same

 private:
  nn::GroupNorm group_norm{nullptr};
  nn::Linear to_q{nullptr}, to_k{nullptr}, to_v{nullptr}, to_out{nullptr};
};
TORCH_MODULE(SelfAttention);

enum class Resample { kNone, kDown, kUp };

// Residual blocks, each followed by attention where asked for, then a change of size.
class LevelImpl : public nn::Module {
 public:
  LevelImpl(int64_t in_channels, int64_t out_channels, int64_t num_layers, bool attention,
            Resample resample, const VaeConfig& config, const nn::Build& build);
  torch::Tensor forward(torch::Tensor x);  // [B, C_in, H, W] -> [B, C_out, H', W']

 private:
  std::vector<unet::ResnetBlock> resnets_;
  std::vector<SelfAttention> attentions_;
  unet::Downsample downsample_{nullptr};
  unet::Upsample upsample_{nullptr};
};
TORCH_MODULE(Level);

// Residual block, attention where configured, residual block.
class MiddleImpl : public nn::Module {
 public:
  MiddleImpl(int64_t channels, const VaeConfig& config, const nn::Build& build);
  torch::Tensor forward(torch::Tensor x);  // [B, C, H, W] -> same

 private:
  unet::ResnetBlock first_{nullptr}, second_{nullptr};
  SelfAttention attention_{nullptr};
};
TORCH_MODULE(Middle);

}  // namespace reasonbrain::models::vae
