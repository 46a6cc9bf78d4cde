// Convolution blocks that the UNet and the autoencoder share (diffusers models/resnet.py,
// downsampling.py, upsampling.py). Legend: B batch, C channels, E width of the time embedding.
#pragma once

#include "nn/activation.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace reasonbrain::models::unet {

struct ResnetOptions {
  int64_t time_channels = 0;  // E; 0: no time embedding
  int64_t groups = 32;
  double eps = 1e-5;
  nn::Activation activation = nn::Activation::kSilu;
};

// ResnetBlock2D: norm, activation, convolution, + time, norm, activation, convolution, + shortcut.
class ResnetBlockImpl : public nn::Module {
 public:
  ResnetBlockImpl(int64_t in_channels, int64_t out_channels, const ResnetOptions& options,
                  const nn::Build& build);

  torch::Tensor forward(const torch::Tensor& x,           // [B, C_in, H, W] -> [B, C_out, H, W]
                        const torch::Tensor& time = {});  // [B, E], already activated; or undefined

 private:
  nn::GroupNorm norm1{nullptr}, norm2{nullptr};
  nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv_shortcut{nullptr};
  nn::Linear time_emb_proj{nullptr};
  nn::Activation activation_;
};
TORCH_MODULE(ResnetBlock);

// Downsample2D with a strided convolution: half the size, rounded up when padded on both sides and
// down when padded on the right and at the bottom only (the autoencoder's).
class DownsampleImpl : public nn::Module {
 public:
  enum class Padding { kBothSides, kRightAndBottom };
  DownsampleImpl(int64_t channels, Padding padding, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x);  // [B, C, H, W] -> [B, C, H / 2, W / 2]

 private:
  nn::Conv2d conv{nullptr};
  bool pad_;
};
TORCH_MODULE(Downsample);

// Upsample2D: nearest neighbour, then a convolution.
class UpsampleImpl : public nn::Module {
 public:
  UpsampleImpl(int64_t channels, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& x,         // [B, C, H, W] -> [B, C, *size]
                        torch::IntArrayRef size = {});  // height and width; twice x's when empty

 private:
  nn::Conv2d conv{nullptr};
};
TORCH_MODULE(Upsample);

}  // namespace reasonbrain::models::unet
