// The autoencoder of latent diffusion (Rombach et al. 2022; diffusers AutoencoderKL).
// Legend: B batch, C channels, Z latent channels, f = config.downscale().
#pragma once

#include <vector>

#include "models/vae/blocks.h"

namespace reasonbrain::models::vae {

class EncoderImpl : public nn::Module {
 public:
  EncoderImpl(const VaeConfig& config, const nn::Build& build);
  torch::Tensor forward(torch::Tensor x);  // [B, C, H, W] -> [B, 2 Z, H / f, W / f]

 private:
  nn::Conv2d conv_in{nullptr}, conv_out{nullptr};
  std::vector<Level> levels_;
  Middle mid_block{nullptr};
  nn::GroupNorm conv_norm_out{nullptr};
};
TORCH_MODULE(Encoder);

class DecoderImpl : public nn::Module {
 public:
  DecoderImpl(const VaeConfig& config, const nn::Build& build);
  torch::Tensor forward(torch::Tensor z);  // [B, Z, h, w] -> [B, C, h f, w f]

 private:
  nn::Conv2d conv_in{nullptr}, conv_out{nullptr};
  Middle mid_block{nullptr};
  std::vector<Level> levels_;
  nn::GroupNorm conv_norm_out{nullptr};
};
TORCH_MODULE(Decoder);

// The diagonal Gaussian over latents that a picture is encoded to.
struct Posterior {
  torch::Tensor mean;    // [B, Z, H / f, W / f]; also the mode
  torch::Tensor logvar;  // the same, clamped to [-30, 20] as the reference does

  torch::Tensor sample(const torch::Tensor& noise) const;  // mean + exp(logvar / 2) * noise
};

class AutoencoderKLImpl : public nn::Module {
 public:
  AutoencoderKLImpl(const VaeConfig& config, const nn::Build& build);

  // Both throw Error(kData) when the channels do not fit the configuration.
  Posterior encode(const torch::Tensor& sample);  // [B, C, H, W] in [-1, 1]; H and W at least f
  torch::Tensor decode(
      const torch::Tensor& latent);  // [B, Z, h, w], not scaled -> [B, C, h f, w f]

  // Between the autoencoder's latents and those that the denoiser sees, any shape.
  torch::Tensor scale(const torch::Tensor& latent) const;
  torch::Tensor unscale(const torch::Tensor& latent) const;

  const VaeConfig& config() const { return config_; }

 private:
  VaeConfig config_;
  Encoder encoder{nullptr};
  Decoder decoder{nullptr};
  nn::Conv2d quant_conv{nullptr}, post_quant_conv{nullptr};
};
TORCH_MODULE(AutoencoderKL);

}  // namespace reasonbrain::models::vae
