// Small parts of SAM under transformers' parameter names.
// Legend: B batch, C channels, H x W grid.
#pragma once

#include <torch/nn/modules/container/modulelist.h>

#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace reasonbrain::models::sam {

constexpr double kMapNormEps = 1e-6;  // of norms over channels, whatever the configuration says

// SamMLPBlock.
class MlpImpl : public nn::Module {
 public:
  MlpImpl(int64_t width, int64_t inner, nn::Activation activation, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states);  // [..., width] -> same

  nn::Linear lin1{nullptr}, lin2{nullptr};

 private:
  nn::Activation activation_;
};
TORCH_MODULE(Mlp);

// SamFeedForward: ReLU between max(depth, 2) linear layers.
class FeedForwardImpl : public nn::Module {
 public:
  FeedForwardImpl(int64_t in, int64_t inner, int64_t out, int64_t depth, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [..., in] -> [..., out]

  nn::Linear proj_in{nullptr}, proj_out{nullptr};
  torch::nn::ModuleList layers;
};
TORCH_MODULE(FeedForward);

// Layer norm over the channels of a map.
class MapNormImpl : public nn::LayerNormImpl {
 public:
  using nn::LayerNormImpl::LayerNormImpl;
  torch::Tensor forward(const torch::Tensor& x);  // [B, C, H, W] -> same
};
TORCH_MODULE(MapNorm);

// Transposed convolution with kernel and stride 2.
class UpConvImpl : public nn::Module {
 public:
  UpConvImpl(int64_t in_channels, int64_t out_channels, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [B, in, H, W] -> [B, out, 2 H, 2 W]

  torch::Tensor weight;  // [in, out, 2, 2]
  torch::Tensor bias;    // [out]
};
TORCH_MODULE(UpConv);

}  // namespace reasonbrain::models::sam
