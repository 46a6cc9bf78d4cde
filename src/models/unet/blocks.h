// The levels of the UNet (diffusers unets/unet_2d_blocks.py). Legend: B batch, C channels.
#pragma once

#include <optional>
#include <vector>

#include "models/unet/resnet.h"
#include "models/unet/transformer.h"

namespace reasonbrain::models::unet {

struct LevelOptions {
  std::vector<int64_t> in_channels;  // of each residual block
  int64_t out_channels = 0;
  ResnetOptions resnet;
  std::optional<TransformerOptions> transformer;  // after each residual block, where there is one
};

// DownBlock2D and CrossAttnDownBlock2D.
class DownBlockImpl : public nn::Module {
 public:
  DownBlockImpl(const LevelOptions& options, bool downsample, const nn::Build& build);

  // [B, C_in, H, W] -> [B, C_out, H or H / 2, ..]; appends what the way up needs to `skips`.
  torch::Tensor forward(torch::Tensor x, const Conditioning& c, std::vector<torch::Tensor>& skips);

 private:
  std::vector<ResnetBlock> resnets_;
  std::vector<SpatialTransformer> attentions_;
  Downsample downsample_{nullptr};
};
TORCH_MODULE(DownBlock);

// UNetMidBlock2DCrossAttn; without a transformer UNetMidBlock2D, a single residual block.
class MidBlockImpl : public nn::Module {
 public:
  MidBlockImpl(const LevelOptions& options, const nn::Build& build);
  torch::Tensor forward(torch::Tensor x, const Conditioning& c);  // [B, C, H, W] -> same

 private:
  std::vector<ResnetBlock> resnets_;
  SpatialTransformer attention_{nullptr};
};
TORCH_MODULE(MidBlock);

// UpBlock2D and CrossAttnUpBlock2D.
class UpBlockImpl : public nn::Module {
 public:
  UpBlockImpl(const LevelOptions& options, bool upsample, const nn::Build& build);

  // Takes one of `skips` off its end for each residual block, then upsamples to the size of the
  // next one.
  torch::Tensor forward(torch::Tensor x, const Conditioning& c, std::vector<torch::Tensor>& skips);

 private:
  std::vector<ResnetBlock> resnets_;
  std::vector<SpatialTransformer> attentions_;
  Upsample upsample_{nullptr};
};
TORCH_MODULE(UpBlock);

}  // namespace reasonbrain::models::unet
