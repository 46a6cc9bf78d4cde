#include "models/vae/vae.h"

#include "core/str.h"
#include "models/register_at.h"

namespace reasonbrain::models::vae {
namespace {

constexpr double kMinLogvar = -30;
constexpr double kMaxLogvar = 20;

bool has_attention(const std::string& block_type) {
  return starts_with(block_type, "Attn");
}

void check_channels(const torch::Tensor& x, const char* name, int64_t channels) {
  if (x.dim() == 4 && x.size(1) == channels) return;
  throw data_error(reasonbrain::str("autoencoder: ", name, " has shape ", x.sizes(),
                                    ", expected [B, ", channels, ", H, W]"));
}

}  // namespace

EncoderImpl::EncoderImpl(const VaeConfig& config, const nn::Build& build) {
  const auto& widths = config.block_out_channels;
  conv_in = register_module(
      "conv_in", nn::Conv2d(config.in_channels, widths[0], 3, 1, 1, /*bias=*/true, build));
  for (size_t i = 0; i < widths.size(); ++i) {
    const bool last = i + 1 == widths.size();
    levels_.push_back(
        register_at(*this, str("down_blocks.", i),
                    Level(widths[i == 0 ? 0 : i - 1], widths[i], config.layers_per_block,
                          has_attention(config.down_block_types[i]),
                          last ? Resample::kNone : Resample::kDown, config, build)));
  }
  mid_block = register_module("mid_block", Middle(widths.back(), config, build));
  conv_norm_out = register_module(
      "conv_norm_out", nn::GroupNorm(config.norm_num_groups, widths.back(), kNormEps, build));
  conv_out =
      register_module("conv_out", nn::Conv2d(widths.back(), 2 * config.latent_channels, 3, 1, 1,
                                             /*bias=*/true, build));
}

torch::Tensor EncoderImpl::forward(torch::Tensor x) {
  x = conv_in(x);
  for (auto& level : levels_) x = level(x);
  return conv_out(at::silu(conv_norm_out(mid_block(x))));
}

DecoderImpl::DecoderImpl(const VaeConfig& config, const nn::Build& build) {
  const std::vector<int64_t> widths(config.block_out_channels.rbegin(),
                                    config.block_out_channels.rend());
  conv_in = register_module(
      "conv_in", nn::Conv2d(config.latent_channels, widths[0], 3, 1, 1, /*bias=*/true, build));
  mid_block = register_module("mid_block", Middle(widths[0], config, build));
  for (size_t i = 0; i < widths.size(); ++i) {
    const bool last = i + 1 == widths.size();
    levels_.push_back(
        register_at(*this, str("up_blocks.", i),
                    Level(widths[i == 0 ? 0 : i - 1], widths[i], config.layers_per_block + 1,
                          has_attention(config.up_block_types[i]),
                          last ? Resample::kNone : Resample::kUp, config, build)));
  }
  conv_norm_out = register_module(
      "conv_norm_out", nn::GroupNorm(config.norm_num_groups, widths.back(), kNormEps, build));
  conv_out = register_module(
      "conv_out", nn::Conv2d(widths.back(), config.out_channels, 3, 1, 1, /*bias=*/true, build));
}

torch::Tensor DecoderImpl::forward(torch::Tensor z) {
  z = mid_block(conv_in(z));
  for (auto& level : levels_) z = level(z);
  return conv_out(at::silu(conv_norm_out(z)));
}

torch::Tensor Posterior::sample(const torch::Tensor& noise) const {
  return mean + (0.5 * logvar).exp() * noise;
}

AutoencoderKLImpl::AutoencoderKLImpl(const VaeConfig& config, const nn::Build& build)
    : config_(config) {
  config.validate();
  encoder = register_module("encoder", Encoder(config, build));
  decoder = register_module("decoder", Decoder(config, build));
  const int64_t z = config.latent_channels;
  if (config.use_quant_conv) {
    quant_conv =
        register_module("quant_conv", nn::Conv2d(2 * z, 2 * z, 1, 1, 0, /*bias=*/true, build));
  }
  if (config.use_post_quant_conv) {
    post_quant_conv =
        register_module("post_quant_conv", nn::Conv2d(z, z, 1, 1, 0, /*bias=*/true, build));
  }
}

Posterior AutoencoderKLImpl::encode(const torch::Tensor& sample) {
  check_channels(sample, "sample", config_.in_channels);
  const int64_t side = config_.downscale();
  if (sample.size(2) < side || sample.size(3) < side) {
    throw data_error(reasonbrain::str("autoencoder: sample has shape ", sample.sizes(),
                                      ", expected at least ", side, " by ", side, " pixels"));
  }
  torch::Tensor moments = encoder(sample);
  if (quant_conv) moments = quant_conv(moments);
  const auto halves = moments.chunk(2, 1);
  return {halves[0], halves[1].clamp(kMinLogvar, kMaxLogvar)};
}

torch::Tensor AutoencoderKLImpl::decode(const torch::Tensor& latent) {
  check_channels(latent, "latent", config_.latent_channels);
  return decoder(post_quant_conv ? post_quant_conv(latent) : latent);
}

torch::Tensor AutoencoderKLImpl::scale(const torch::Tensor& latent) const {
  return (latent - config_.shift_factor) * config_.scaling_factor;
}

torch::Tensor AutoencoderKLImpl::unscale(const torch::Tensor& latent) const {
  return latent / config_.scaling_factor + config_.shift_factor;
}

}  // namespace reasonbrain::models::vae
