// The two kinds of blocks of FLUX (diffusers FluxTransformerBlock, FluxSingleTransformerBlock),
// parameter names included.
// Legend: B batch, L context tokens, N image tokens, T = L + N, W width, H heads, D head width.
#pragma once

#include "models/flux/config.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace reasonbrain::models::flux {

constexpr double kNormEps = 1e-6;

// Layer norm without weights, then scaled by 1 + scale and shifted.
torch::Tensor modulated_norm(const torch::Tensor& x,       // [B, T, W] -> same
                             const torch::Tensor& shift,   // [B, 1, W]
                             const torch::Tensor& scale);  // [B, 1, W]

// Where the names of queries and keys differ between the streams.
struct AttentionNames {
  const char *q, *k, *v, *q_norm, *k_norm;
};

// The inputs of attention from one stream: projections, and norms over the heads' width.
class HeadProjections {
 public:
  HeadProjections() = default;
  HeadProjections(torch::nn::Module& owner, const AttentionNames& names, const FluxConfig& config,
                  const nn::Build& build);

  struct Heads {
    torch::Tensor query, key, value;  // [B, T, H, D]
  };
  Heads operator()(const torch::Tensor& x);  // [B, T, W]

 private:
  int64_t num_heads_ = 0;
  nn::Linear q_{nullptr}, k_{nullptr}, v_{nullptr};
  nn::RMSNorm q_norm_{nullptr}, k_norm_{nullptr};
};

// Text and image have their own weights and attend to each other.
class DoubleBlockImpl : public nn::Module {
 public:
  DoubleBlockImpl(const FluxConfig& config, const nn::Build& build);

  struct Streams {
    torch::Tensor text, image;  // [B, L, W], [B, N, W]
  };
  Streams forward(const Streams& in,
                  const torch::Tensor& condition,   // [B, W], activated
                  const torch::Tensor& rotations);  // [T, D / 2], text first

 private:
  struct Stream {
    nn::Linear modulation{nullptr}, out{nullptr}, ff_in{nullptr}, ff_out{nullptr};
    HeadProjections heads;
  };
  struct StreamNames {
    const char *modulation, *out, *ff_in, *ff_out;
    AttentionNames attention;
  };
  Stream make_stream(const StreamNames& names, const FluxConfig& config, const nn::Build& build);
  static torch::Tensor update(Stream& stream, const torch::Tensor& x, const torch::Tensor& attended,
                              const std::vector<torch::Tensor>& modulation);

  Stream text_, image_;
};
TORCH_MODULE(DoubleBlock);

// One stream over all tokens; attention and feed-forward part side by side.
class SingleBlockImpl : public nn::Module {
 public:
  SingleBlockImpl(const FluxConfig& config, const nn::Build& build);

  torch::Tensor forward(const torch::Tensor& x,           // [B, T, W] -> same
                        const torch::Tensor& condition,   // [B, W], activated
                        const torch::Tensor& rotations);  // [T, D / 2]

 private:
  nn::Linear modulation_{nullptr}, ff_in_{nullptr}, out_{nullptr};
  HeadProjections heads_;
};
TORCH_MODULE(SingleBlock);

}  // namespace reasonbrain::models::flux
