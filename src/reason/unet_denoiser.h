// The denoiser around a UNet2DConditionModel (Stable Diffusion 1.5, 2.1, and the mini model's small
// one).
//
// conv_in(z) + conv_src(source) + grid(R_V) + broadcast(R_T): the three added terms are
// zero-initialised, so that with an equal context the untrained adapter leaves the backbone's
// output unchanged, bit for bit.
#pragma once

#include "models/unet/unet.h"
#include "models/vae/vae.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "reason/codec.h"
#include "reason/denoiser.h"

namespace reasonbrain::reason {

class UNetDenoiser : public Denoiser {
 public:
  // `vae` is used by codec autoencoder_kl and empty otherwise. Throws Error(kConfig) when the
  // UNet's channels do not fit the codec.
  UNetDenoiser(const DenoiserOptions& options, models::unet::UNet unet,
               diffusion::Objective objective, const DenoiserSizes& sizes,
               models::vae::AutoencoderKL vae, const nn::Build& build);

  torch::Tensor encode(const torch::Tensor& pixels) override { return codec_.encode(pixels); }
  torch::Tensor decode(const torch::Tensor& latent) override { return codec_.decode(latent); }
  std::vector<int64_t> latent_shape(int64_t picture_side) const override {
    return codec_.latent_shape(picture_side);
  }
  torch::Tensor weight_map(const torch::Tensor& pixels) const override {
    return codec_.weight_map(pixels);
  }
  torch::Tensor forward(const torch::Tensor& z, const torch::Tensor& t,
                        const Condition& condition) override;
  diffusion::Objective objective() const override { return objective_; }
  void train_backbone(bool learns) override { nn::set_requires_grad(*unet, learns); }
  void train_adapter(bool residuals) override;
  void save_backbone(const std::filesystem::path& folder) override;
  void save_codec(const std::filesystem::path& folder) override;

  models::unet::UNet unet = nullptr;
  models::vae::AutoencoderKL vae = nullptr;  // empty for pixel_blocks

  // Backbone channels that the codec and the prediction ask for.
  static int64_t output_channels(const DenoiserOptions& options, int64_t latent_channels);

 private:
  torch::Tensor copy_paint(const torch::Tensor& output, const torch::Tensor& source,
                           const torch::Tensor& open_gate) const;

  DenoiserOptions options_;
  diffusion::Objective objective_;
  Codec codec_;
  nn::Conv2d conv_src_ = nullptr, residual_visual_ = nullptr;
  nn::Linear context_proj_ = nullptr, residual_text_ = nullptr;
  torch::Tensor null_context_;  // [T, d]
};

}  // namespace reasonbrain::reason
