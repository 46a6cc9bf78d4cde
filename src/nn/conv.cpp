#include "nn/conv.h"

namespace reasonbrain::nn {

Conv2dImpl::Conv2dImpl(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride,
                       int64_t padding, bool bias_, const Build& build)
    : stride_(stride), padding_(padding) {
  const double fan = static_cast<double>(in_channels * kernel * kernel);
  weight =
      parameter("weight", {out_channels, in_channels, kernel, kernel}, build.tensor, build.weight);
  set_fan_in("weight", fan);
  if (bias_) {
    const bool fan_in = build.weight.kind == Init::Kind::kFanIn;
    bias = parameter("bias", {out_channels}, build.tensor, fan_in ? build.weight : Init::zeros());
    set_fan_in("bias", fan);
  }
}

torch::Tensor Conv2dImpl::forward(const torch::Tensor& x) {
  return at::conv2d(x, weight, bias, {stride_, stride_}, {padding_, padding_});
}

}  // namespace reasonbrain::nn
