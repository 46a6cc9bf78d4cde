// The painting half: latent geometry, source latents, conditioning and the objective, whatever the
// backbone.
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <memory>

#include "diffusion/objective.h"
#include "reason/denoiser_options.h"
#include "reason/inputs.h"

namespace reasonbrain::reason {

// What one pass of the backbone is conditioned on (condition dropout; Eq. A2).
struct Condition {
  torch::Tensor context;          // [B, T, d]
  torch::Tensor residual_visual;  // [B, N, d] or undefined
  torch::Tensor residual_text;    // [B, d] or undefined
  torch::Tensor source;           // [B, C, h, w]
  torch::Tensor
      keep_text;  // float32 [B]: 1 keeps the context, 0 puts the null context in its place
  torch::Tensor keep_image;  // float32 [B]: 1 keeps the source latent; R is kept where both are 1
  // For FLUX, dropped with the context: null vectors stand where they are undefined.
  torch::Tensor pooled_prompt_embeds;  // [B, d_t]
  torch::Tensor prompt_embeds;         // [B, L_2, d_2]
  // For copy_paint in training, or undefined: 1 where it must paint.
  torch::Tensor open_gate;  // [B, 1, S, S]
};

struct DenoiserSizes {
  int64_t width = 0;           // d of the context
  int64_t context_tokens = 0;  // T
  int64_t pooled_width = 0;    // d_t of pooled prompt embeddings
  int64_t prompt_width = 0;    // d_2 of prompt embeddings; 0: there are none
};

class Denoiser : public torch::nn::Module {
 public:
  ~Denoiser() override = default;

  // Pixels [B, 3, S, S] in [-1, 1] <-> latent [B, C, h, w].
  virtual torch::Tensor encode(const torch::Tensor& pixels) = 0;
  virtual torch::Tensor decode(const torch::Tensor& latent) = 0;
  virtual std::vector<int64_t> latent_shape(int64_t picture_side) const = 0;  // {C, h, w}
  // Tokens of a latent as the dynamic shift of flow schedules counts them.
  virtual int64_t sequence_length(int64_t height, int64_t width) const { return height * width; }
  // A weight per pixel [B, 1, S, S] as a weight per latent value, broadcastable to [B, C, h, w].
  virtual torch::Tensor weight_map(const torch::Tensor& pixels) const = 0;

  // The prediction that objective() names, for noisy latents z [B, C, h, w] at t [B]: timesteps as
  // samplers give them, 0 .. num_train_timesteps. Each adapter converts to what its backbone takes.
  virtual torch::Tensor forward(const torch::Tensor& z, const torch::Tensor& t,
                                const Condition& condition) = 0;
  virtual diffusion::Objective objective() const = 0;

  // Let learn: the backbone; the adapter around it, with or without the paths of R_V and R_T.
  virtual void train_backbone(bool learns) = 0;
  virtual void train_adapter(bool residuals) = 0;

  // Hugging Face folders of the backbone and of the codec, where that has weights.
  virtual void save_backbone(const std::filesystem::path& folder) = 0;
  virtual void save_codec(const std::filesystem::path& folder) = 0;

  // 1 everywhere: no dropout.
  static Condition condition(const Guidance& guidance, const torch::Tensor& source);
};

// What the adapters share.
torch::Tensor per_sample(const torch::Tensor& keep,   // [B]
                         const torch::Tensor& like);  // -> [B, 1, ..], as many dimensions
// R_V's square of patches at the size of the denoiser's input: [B, N, d] -> [B, d, height, width].
torch::Tensor token_grid(const torch::Tensor& tokens, int64_t height, int64_t width);

}  // namespace reasonbrain::reason
