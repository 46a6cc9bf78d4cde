// The denoiser around a FLUX transformer.
//
// Latents are packed 2 x 2 into tokens. The source picture enters as a zero-initialised linear
// layer beside the embedding of the tokens (source_mode channel: with an equal context the
// untrained adapter leaves the backbone's output unchanged, bit for bit), or as tokens of its own
// behind them (sequence). R_V and R_T are added to the embedded tokens of the picture to paint,
// zero-initialised. The context stands where T5's states were, or behind them; the pooled vector is
// CLIP's pooled text or the context's mean, projected (FluxTextOptions).
#pragma once

#include "models/flux/flux.h"
#include "models/vae/vae.h"
#include "nn/linear.h"
#include "reason/codec.h"
#include "reason/denoiser.h"
#include "reason/flux_text_options.h"

namespace reasonbrain::reason {

// Legend: h x w latent size, N = h w / 4 tokens, row by row; the channels of a token are those of
// the latent, each with its 2 x 2 square.
torch::Tensor pack_latent(const torch::Tensor& latent);  // [B, C, h, w] -> [B, N, 4 C]
torch::Tensor unpack_latent(const torch::Tensor& tokens, int64_t height, int64_t width);

class FluxDenoiser : public Denoiser {
 public:
  // `num_timesteps`: what stands for pure noise in forward's t. Throws Error(kConfig) when the
  // backbone's channels or axes do not fit the codec, or T5's width does not fit the backbone.
  FluxDenoiser(const DenoiserOptions& options, const FluxTextOptions& text, models::flux::Flux flux,
               diffusion::Objective objective, double num_timesteps, const DenoiserSizes& sizes,
               models::vae::AutoencoderKL vae, const nn::Build& build);

  torch::Tensor encode(const torch::Tensor& pixels) override { return codec_.encode(pixels); }
  torch::Tensor decode(const torch::Tensor& latent) override { return codec_.decode(latent); }
  std::vector<int64_t> latent_shape(int64_t picture_side) const override;
  torch::Tensor weight_map(const torch::Tensor& pixels) const override {
    return codec_.weight_map(pixels);
  }
  int64_t sequence_length(int64_t height, int64_t width) const override;
  torch::Tensor forward(const torch::Tensor& z, const torch::Tensor& t,
                        const Condition& condition) override;
  diffusion::Objective objective() const override { return objective_; }
  void train_backbone(bool learns) override { nn::set_requires_grad(*flux, learns); }
  void train_adapter(bool residuals) override;
  void save_backbone(const std::filesystem::path& folder) override;
  void save_codec(const std::filesystem::path& folder) override;

  models::flux::Flux flux = nullptr;
  models::vae::AutoencoderKL vae = nullptr;  // empty for pixel_blocks

 private:
  void register_text(const DenoiserSizes& sizes, const nn::Build& build);
  void add_text(const Condition& condition, models::flux::FluxInputs& in);
  torch::Tensor residual(const Condition& condition, const torch::Tensor& source, int64_t rows,
                         int64_t columns);  // -> [B, N, W] or undefined

  DenoiserOptions options_;
  FluxTextOptions text_;
  diffusion::Objective objective_;
  double num_timesteps_;
  Codec codec_;
  nn::Linear source_ = nullptr;  // of source_mode channel
  nn::Linear residual_visual_ = nullptr, residual_text_ = nullptr;
  nn::Linear context_proj_ = nullptr;
  nn::Linear pooled_proj_ = nullptr;         // empty where CLIP's pooled text fits as it is
  torch::Tensor null_context_;               // [T, d]
  torch::Tensor null_pooled_prompt_embeds_;  // [P], with CLIP's pooled text
  torch::Tensor null_prompt_embeds_;         // [max_sequence_length, J], with T5's states
};

}  // namespace reasonbrain::reason
