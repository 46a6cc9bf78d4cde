#include "models/unet/blocks.h"

#include "core/str.h"
#include "models/register_at.h"

namespace reasonbrain::models::unet {
namespace {

void add_layers(torch::nn::Module& owner, const LevelOptions& options, const nn::Build& build,
                std::vector<ResnetBlock>& resnets, std::vector<SpatialTransformer>& attentions) {
  for (size_t i = 0; i < options.in_channels.size(); ++i) {
    resnets.push_back(register_at(
        owner, str("resnets.", i),
        ResnetBlock(options.in_channels[i], options.out_channels, options.resnet, build)));
    if (options.transformer) {
      attentions.push_back(
          register_at(owner, str("attentions.", i),
                      SpatialTransformer(options.out_channels, *options.transformer, build)));
    }
  }
}

}  // namespace

DownBlockImpl::DownBlockImpl(const LevelOptions& options, bool downsample, const nn::Build& build) {
  add_layers(*this, options, build, resnets_, attentions_);
  if (downsample) {
    downsample_ =
        register_at(*this, "downsamplers.0",
                    Downsample(options.out_channels, DownsampleImpl::Padding::kBothSides, build));
  }
}

torch::Tensor DownBlockImpl::forward(torch::Tensor x, const Conditioning& c,
                                     std::vector<torch::Tensor>& skips) {
  for (size_t i = 0; i < resnets_.size(); ++i) {
    x = resnets_[i](x, c.time);
    if (!attentions_.empty()) x = attentions_[i](x, c);
    skips.push_back(x);
  }
  if (downsample_) {
    x = downsample_(x);
    skips.push_back(x);
  }
  return x;
}

MidBlockImpl::MidBlockImpl(const LevelOptions& options, const nn::Build& build) {
  const int64_t width = options.out_channels;
  resnets_.push_back(
      register_at(*this, "resnets.0", ResnetBlock(width, width, options.resnet, build)));
  if (options.transformer) {
    attention_ =
        register_at(*this, "attentions.0", SpatialTransformer(width, *options.transformer, build));
    resnets_.push_back(
        register_at(*this, "resnets.1", ResnetBlock(width, width, options.resnet, build)));
  }
}

torch::Tensor MidBlockImpl::forward(torch::Tensor x, const Conditioning& c) {
  x = resnets_[0](x, c.time);
  return attention_ ? resnets_[1](attention_(x, c), c.time) : x;
}

UpBlockImpl::UpBlockImpl(const LevelOptions& options, bool upsample, const nn::Build& build) {
  add_layers(*this, options, build, resnets_, attentions_);
  if (upsample)
    upsample_ = register_at(*this, "upsamplers.0", Upsample(options.out_channels, build));
}

torch::Tensor UpBlockImpl::forward(torch::Tensor x, const Conditioning& c,
                                   std::vector<torch::Tensor>& skips) {
  for (size_t i = 0; i < resnets_.size(); ++i) {
    x = resnets_[i](at::cat({x, skips.back()}, 1), c.time);
    skips.pop_back();
    if (!attentions_.empty()) x = attentions_[i](x, c);
  }
  // Where the input's size is no multiple of 2^levels, twice the size would miss the skip by a
  // pixel.
  return upsample_ ? upsample_(x, skips.back().sizes().slice(2)) : x;
}

}  // namespace reasonbrain::models::unet
