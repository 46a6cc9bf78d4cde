// The denoiser of FLUX.1 (Black Forest Labs 2024; diffusers FluxTransformer2DModel).
// Legend: B batch, N image tokens, C in_channels, L context tokens, J joint_attention_dim,
// P pooled_projection_dim, A position axes, W width.
#pragma once

#include <vector>

#include "models/flux/blocks.h"

namespace reasonbrain::models::flux {

struct FluxInputs {
  torch::Tensor hidden_states;          // [B, N, C]
  torch::Tensor encoder_hidden_states;  // [B, L, J]
  torch::Tensor pooled_projections;     // [B, P]
  torch::Tensor timestep;               // [B], [1] or []; 0..1, 1 is noise
  torch::Tensor guidance;               // as timestep, with guidance_embeds only
  torch::Tensor img_ids;                // [N, A]
  torch::Tensor txt_ids;                // [L, A]
  torch::Tensor residual;               // [B, M, W] or undefined: added to the first M embedded
                                        // image tokens, M <= N
};

class FluxImpl : public nn::Module {
 public:
  FluxImpl(const FluxConfig& config, const nn::Build& build);

  // -> [B, N, patch_size^2 out_channels]. Throws Error(kData) when a size does not fit the
  // configuration.
  torch::Tensor forward(const FluxInputs& inputs);

  const FluxConfig& config() const { return config_; }

 private:
  void check(const FluxInputs& inputs) const;
  torch::Tensor condition(const FluxInputs& inputs);  // -> [B, W], activated

  struct Embedder {
    nn::Linear in{nullptr}, out{nullptr};
    torch::Tensor operator()(const torch::Tensor& x) { return out(at::silu(in(x))); }
  };
  Embedder embedder(const std::string& name, int64_t in, const nn::Build& build);

  FluxConfig config_;
  Embedder time_, guidance_, pooled_;
  nn::Linear x_embedder{nullptr}, context_embedder{nullptr}, proj_out{nullptr};
  std::vector<DoubleBlock> double_blocks_;
  std::vector<SingleBlock> single_blocks_;
  nn::Linear modulation_out_{nullptr};
};
TORCH_MODULE(Flux);

}  // namespace reasonbrain::models::flux
