#include "models/vae/blocks.h"

#include "core/str.h"
#include "models/register_at.h"
#include "nn/attention.h"

namespace reasonbrain::models::vae {
namespace {

unet::ResnetOptions resnet_options(const VaeConfig& config) {
  return {.time_channels = 0,
          .groups = config.norm_num_groups,
          .eps = kNormEps,
          .activation = nn::parse_activation(config.act_fn)};
}

}  // namespace

SelfAttentionImpl::SelfAttentionImpl(int64_t channels, int64_t groups, const nn::Build& build) {
  group_norm = register_module("group_norm", nn::GroupNorm(groups, channels, kNormEps, build));
  to_q = register_module("to_q", nn::Linear(channels, channels, /*bias=*/true, build));
  to_k = register_module("to_k", nn::Linear(channels, channels, /*bias=*/true, build));
  to_v = register_module("to_v", nn::Linear(channels, channels, /*bias=*/true, build));
  to_out = register_at(*this, "to_out.0", nn::Linear(channels, channels, /*bias=*/true, build));
}

torch::Tensor SelfAttentionImpl::forward(const torch::Tensor& x) {
  const torch::Tensor h = group_norm(x).flatten(2).transpose(1, 2);
  const torch::Tensor read =
      nn::attention(to_q(h).unsqueeze(1), to_k(h).unsqueeze(1), to_v(h).unsqueeze(1));
  return to_out(read.squeeze(1)).transpose(1, 2).reshape(x.sizes()) + x;
}

LevelImpl::LevelImpl(int64_t in_channels, int64_t out_channels, int64_t num_layers, bool attention,
                     Resample resample, const VaeConfig& config, const nn::Build& build) {
  for (int64_t i = 0; i < num_layers; ++i) {
    resnets_.push_back(register_at(*this, str("resnets.", i),
                                   unet::ResnetBlock(i == 0 ? in_channels : out_channels,
                                                     out_channels, resnet_options(config), build)));
    if (attention) {
      attentions_.push_back(
          register_at(*this, str("attentions.", i),
                      SelfAttention(out_channels, config.norm_num_groups, build)));
    }
  }
  if (resample == Resample::kDown) {
    downsample_ = register_at(
        *this, "downsamplers.0",
        unet::Downsample(out_channels, unet::DownsampleImpl::Padding::kRightAndBottom, build));
  } else if (resample == Resample::kUp) {
    upsample_ = register_at(*this, "upsamplers.0", unet::Upsample(out_channels, build));
  }
}

torch::Tensor LevelImpl::forward(torch::Tensor x) {
  for (size_t i = 0; i < resnets_.size(); ++i) {
    x = resnets_[i](x);
    if (!attentions_.empty()) x = attentions_[i](x);
  }
  if (downsample_) x = downsample_(x);
  if (upsample_) x = upsample_(x);
  return x;
}

MiddleImpl::MiddleImpl(int64_t channels, const VaeConfig& config, const nn::Build& build) {
  const unet::ResnetOptions options = resnet_options(config);
  first_ = register_at(*this, "resnets.0", unet::ResnetBlock(channels, channels, options, build));
  second_ = register_at(*this, "resnets.1", unet::ResnetBlock(channels, channels, options, build));
  if (config.mid_block_add_attention) {
    attention_ =
        register_at(*this, "attentions.0", SelfAttention(channels, config.norm_num_groups, build));
  }
}

torch::Tensor MiddleImpl::forward(torch::Tensor x) {
  x = first_(x);
  if (attention_) x = attention_(x);
  return second_(x);
}

}  // namespace reasonbrain::models::vae
