// 2-D convolution with square kernel, stride and padding.
#pragma once

#include "nn/module.h"

namespace reasonbrain::nn {

class Conv2dImpl : public Module {
 public:
  Conv2dImpl(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride,
             int64_t padding, bool bias, const Build& build);

  torch::Tensor forward(const torch::Tensor& x);  // [B, in, H, W] -> [B, out, H', W']

  torch::Tensor weight;  // [out, in, kernel, kernel]
  torch::Tensor bias;    // [out] or undefined

 private:
  int64_t stride_, padding_;
};
TORCH_MODULE(Conv2d);

}  // namespace reasonbrain::nn
