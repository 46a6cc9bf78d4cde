#include "models/unet/resnet.h"

namespace reasonbrain::models::unet {

ResnetBlockImpl::ResnetBlockImpl(int64_t in_channels, int64_t out_channels,
                                 const ResnetOptions& options, const nn::Build& build)
    : activation_(options.activation) {
  norm1 = register_module("norm1", nn::GroupNorm(options.groups, in_channels, options.eps, build));
  conv1 = register_module("conv1",
                          nn::Conv2d(in_channels, out_channels, 3, 1, 1, /*bias=*/true, build));
  if (options.time_channels > 0) {
    time_emb_proj = register_module(
        "time_emb_proj", nn::Linear(options.time_channels, out_channels, /*bias=*/true, build));
  }
  norm2 = register_module("norm2", nn::GroupNorm(options.groups, out_channels, options.eps, build));
  conv2 = register_module("conv2",
                          nn::Conv2d(out_channels, out_channels, 3, 1, 1, /*bias=*/true, build));
  if (in_channels != out_channels) {
    conv_shortcut = register_module(
        "conv_shortcut", nn::Conv2d(in_channels, out_channels, 1, 1, 0, /*bias=*/true, build));
  }
}

torch::Tensor ResnetBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& time) {
  torch::Tensor h = conv1(nn::activate(norm1(x), activation_));
  if (time.defined()) h = h + time_emb_proj(time).unsqueeze(-1).unsqueeze(-1);
  h = conv2(nn::activate(norm2(h), activation_));
  return (conv_shortcut ? conv_shortcut(x) : x) + h;
}

DownsampleImpl::DownsampleImpl(int64_t channels, Padding padding, const nn::Build& build)
    : pad_(padding == Padding::kRightAndBottom) {
  conv = register_module("conv",
                         nn::Conv2d(channels, channels, 3, 2, pad_ ? 0 : 1, /*bias=*/true, build));
}

torch::Tensor DownsampleImpl::forward(const torch::Tensor& x) {
  return conv(pad_ ? at::constant_pad_nd(x, {0, 1, 0, 1}) : x);
}

UpsampleImpl::UpsampleImpl(int64_t channels, const nn::Build& build) {
  conv = register_module("conv", nn::Conv2d(channels, channels, 3, 1, 1, /*bias=*/true, build));
}

torch::Tensor UpsampleImpl::forward(const torch::Tensor& x, torch::IntArrayRef size) {
  const std::vector<int64_t> twice{2 * x.size(2), 2 * x.size(3)};
  return conv(at::upsample_nearest2d(x, size.empty() ? torch::IntArrayRef(twice) : size));
}

}  // namespace reasonbrain::models::unet
