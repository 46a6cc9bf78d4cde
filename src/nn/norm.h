// Normalisations with affine parameters.
#pragma once

#include "nn/module.h"

namespace reasonbrain::nn {

// Over the last dimension, biased variance: torch.nn.LayerNorm.
class LayerNormImpl : public Module {
 public:
  LayerNormImpl(int64_t width, double eps, const Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [..., width] -> same

  torch::Tensor weight, bias;  // [width]

 private:
  double eps_;
};
TORCH_MODULE(LayerNorm);

// transformers LlamaRMSNorm: normalised in float32, cast back, then scaled.
class RMSNormImpl : public Module {
 public:
  RMSNormImpl(int64_t width, double eps, const Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [..., width] -> same

  torch::Tensor weight;  // [width]

 private:
  double eps_;
};
TORCH_MODULE(RMSNorm);

// torch.nn.GroupNorm over [B, C, H, W].
class GroupNormImpl : public Module {
 public:
  GroupNormImpl(int64_t groups, int64_t channels, double eps, const Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [B, channels, ...] -> same

  torch::Tensor weight, bias;  // [channels]

 private:
  int64_t groups_;
  double eps_;
};
TORCH_MODULE(GroupNorm);

}  // namespace reasonbrain::nn
