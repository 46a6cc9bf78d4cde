// Between pixels and the latents that a denoiser works on.
// Legend: B batch, S picture side, C latent channels, h x w latent size.
#pragma once

#include "models/vae/vae.h"
#include "reason/denoiser_options.h"

namespace reasonbrain::reason {

class Codec {
 public:
  // `vae` is used by autoencoder_kl and empty otherwise.
  Codec(const DenoiserOptions& options, models::vae::AutoencoderKL vae)
      : options_(options), vae_(std::move(vae)) {}

  torch::Tensor encode(const torch::Tensor& pixels);  // [B, 3, S, S] -> [B, C, h, w]
  torch::Tensor decode(const torch::Tensor& latent);
  std::vector<int64_t> latent_shape(int64_t picture_side) const;  // {C, h, w}
  torch::Tensor weight_map(const torch::Tensor& pixels) const;    // [B, 1, S, S]

  // The source's latents as the options want them scaled.
  torch::Tensor source(const torch::Tensor& latent) const;

  // C, also before there is a codec.
  static int64_t channels(const DenoiserOptions& options, int64_t vae_channels);

 private:
  bool has_blocks() const { return options_.codec == LatentCodec::kPixelBlocks; }

  DenoiserOptions options_;
  models::vae::AutoencoderKL vae_;
};

}  // namespace reasonbrain::reason
