// The denoiser of Stable Diffusion 1.x and 2.x (Rombach et al. 2022; diffusers
// UNet2DConditionModel). Legend: B batch, C channels, L context tokens, D width of the context.
#pragma once

#include <vector>

#include "models/unet/blocks.h"
#include "models/unet/config.h"

namespace reasonbrain::models::unet {

// [B, width] in float32: sines and cosines of timestep / 10000^(i / (width / 2 - freq_shift)).
torch::Tensor timestep_embedding(const torch::Tensor& timestep,  // [B], integer or floating point
                                 int64_t width, bool cos_first, double freq_shift);

class UNetImpl : public nn::Module {
 public:
  UNetImpl(const UNetConfig& config, const nn::Build& build);

  // Throws Error(kData) when a size does not fit the configuration or the other inputs.
  torch::Tensor forward(
      const torch::Tensor& sample,    // [B, in_channels, H, W] -> [B, out_channels, H, W]
      const torch::Tensor& timestep,  // [B], [1] or []; 0..1000, may be fractional
      const torch::Tensor& encoder_hidden_states,  // [B, L, D]
      const torch::Tensor& residual = {},  // [B, block_out_channels[0], H, W], added after conv_in
      const torch::Tensor& encoder_attention_mask = {},  // [B, L], nonzero = read
      const torch::Tensor& timestep_cond = {});          // [B, time_cond_proj_dim]

  const UNetConfig& config() const { return config_; }
  nn::Conv2d conv_in{
      nullptr};  // [block_out_channels[0], in_channels, k, k]; adapters add inputs beside it

 private:
  torch::Tensor embed_time(const torch::Tensor& timestep, const torch::Tensor& timestep_cond,
                           const torch::Tensor& sample);
  void check_inputs(const torch::Tensor& sample, const torch::Tensor& timestep,
                    const torch::Tensor& encoder_hidden_states, const torch::Tensor& residual,
                    const torch::Tensor& encoder_attention_mask,
                    const torch::Tensor& timestep_cond) const;

  UNetConfig config_;
  nn::Activation activation_;
  nn::Linear time_linear_1_{nullptr}, time_linear_2_{nullptr}, time_cond_proj_{nullptr};
  std::vector<DownBlock> down_blocks_;
  MidBlock mid_block_{nullptr};
  std::vector<UpBlock> up_blocks_;
  nn::GroupNorm conv_norm_out_{nullptr};
  nn::Conv2d conv_out_{nullptr};
};
TORCH_MODULE(UNet);

}  // namespace reasonbrain::models::unet
