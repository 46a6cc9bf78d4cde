#include "models/unet/unet.h"

#include <cmath>

#include "core/str.h"
#include "models/register_at.h"

namespace reasonbrain::models::unet {
namespace {

constexpr double kMaxPeriod = 10000;
constexpr double kMaskedBias =
    -10000;  // the reference's, finite: a fully masked context is averaged

LevelOptions level_options(const UNetConfig& config, size_t level, bool attention) {
  LevelOptions options;
  options.out_channels = config.block_out_channels[level];
  options.resnet = {.time_channels = config.time_width(),
                    .groups = config.norm_num_groups,
                    .eps = config.norm_eps,
                    .activation = nn::parse_activation(config.act_fn)};
  if (attention) {
    options.transformer = TransformerOptions{
        .num_heads = config.num_heads(level),
        .num_layers = UNetConfig::at_level(config.transformer_layers_per_block, level),
        .context_width = UNetConfig::at_level(config.cross_attention_dim, level),
        .norm_groups = config.norm_num_groups,
        .linear_projection = config.use_linear_projection,
        .only_cross_attention = UNetConfig::at_level(config.only_cross_attention, level) != 0};
  }
  return options;
}

}  // namespace

torch::Tensor timestep_embedding(const torch::Tensor& timestep, int64_t width, bool cos_first,
                                 double freq_shift) {
  const int64_t half = width / 2;
  const auto options = timestep.options().dtype(torch::kFloat32);
  const torch::Tensor exponent = at::arange(half, options) * (-std::log(kMaxPeriod)) /
                                 (static_cast<double>(half) - freq_shift);
  const torch::Tensor angle =
      timestep.to(torch::kFloat32).unsqueeze(1) * exponent.exp().unsqueeze(0);
  const torch::Tensor both =
      cos_first ? at::cat({angle.cos(), angle.sin()}, 1) : at::cat({angle.sin(), angle.cos()}, 1);
  return width % 2 == 0 ? both : at::constant_pad_nd(both, {0, 1});
}

UNetImpl::UNetImpl(const UNetConfig& config, const nn::Build& build)
    : config_(config), activation_(nn::parse_activation(config.act_fn)) {
  config.validate();
  const auto& widths = config.block_out_channels;
  const size_t levels = config.num_levels();
  const int64_t time_width = config.time_width();

  conv_in =
      register_module("conv_in", nn::Conv2d(config.in_channels, widths[0], config.conv_in_kernel, 1,
                                            (config.conv_in_kernel - 1) / 2, /*bias=*/true, build));
  time_linear_1_ = register_at(*this, "time_embedding.linear_1",
                               nn::Linear(widths[0], time_width, /*bias=*/true, build));
  if (config.time_cond_proj_dim > 0) {
    time_cond_proj_ =
        register_at(*this, "time_embedding.cond_proj",
                    nn::Linear(config.time_cond_proj_dim, widths[0], /*bias=*/false, build));
  }
  time_linear_2_ = register_at(*this, "time_embedding.linear_2",
                               nn::Linear(time_width, time_width, /*bias=*/true, build));

  for (size_t level = 0; level < levels; ++level) {
    LevelOptions options = level_options(config, level, config.attends_down(level));
    const auto layers = static_cast<size_t>(UNetConfig::at_level(config.layers_per_block, level));
    options.in_channels.assign(layers, widths[level]);
    options.in_channels[0] = widths[level == 0 ? 0 : level - 1];
    down_blocks_.push_back(
        register_at(*this, str("down_blocks.", level),
                    DownBlock(options, /*downsample=*/level + 1 < levels, build)));
  }

  if (config.mid_block_type != "none") {
    LevelOptions options = level_options(config, levels - 1, config.attends_mid());
    if (options.transformer) options.transformer->only_cross_attention = false;  // as the reference
    mid_block_ = register_module("mid_block", MidBlock(options, build));
  }

  for (size_t i = 0; i < levels; ++i) {
    const size_t level = levels - 1 - i;
    LevelOptions options = level_options(config, level, config.attends_up(level));
    const auto layers =
        static_cast<size_t>(UNetConfig::at_level(config.layers_per_block, level)) + 1;
    options.in_channels.assign(layers, 2 * widths[level]);
    options.in_channels.front() = widths[std::min(level + 1, levels - 1)] + widths[level];
    // The last skip of a level comes from the level above (its downsampling, or conv_in).
    options.in_channels.back() += widths[level == 0 ? 0 : level - 1] - widths[level];
    up_blocks_.push_back(
        register_at(*this, str("up_blocks.", i), UpBlock(options, /*upsample=*/level > 0, build)));
  }

  conv_norm_out_ = register_module(
      "conv_norm_out", nn::GroupNorm(config.norm_num_groups, widths[0], config.norm_eps, build));
  conv_out_ = register_module("conv_out",
                              nn::Conv2d(widths[0], config.out_channels, config.conv_out_kernel, 1,
                                         (config.conv_out_kernel - 1) / 2, /*bias=*/true, build));
}

torch::Tensor UNetImpl::embed_time(const torch::Tensor& timestep,
                                   const torch::Tensor& timestep_cond,
                                   const torch::Tensor& sample) {
  const torch::Tensor per_sample =
      timestep.reshape({-1}).expand({sample.size(0)}).to(sample.device());
  torch::Tensor time = timestep_embedding(per_sample, config_.block_out_channels[0],
                                          config_.flip_sin_to_cos, config_.freq_shift)
                           .to(sample.scalar_type());
  if (timestep_cond.defined()) time = time + time_cond_proj_(timestep_cond);
  time = time_linear_2_(nn::activate(time_linear_1_(time), activation_));
  return nn::activate(time, activation_);  // every residual block would activate it by itself
}

void UNetImpl::check_inputs(const torch::Tensor& sample, const torch::Tensor& timestep,
                            const torch::Tensor& encoder_hidden_states,
                            const torch::Tensor& residual,
                            const torch::Tensor& encoder_attention_mask,
                            const torch::Tensor& timestep_cond) const {
  if (sample.dim() != 4 || sample.size(1) != config_.in_channels) {
    throw data_error(reasonbrain::str("UNet: sample has shape ", sample.sizes(), ", expected [B, ",
                                      config_.in_channels, ", H, W] (in_channels)"));
  }
  if (encoder_hidden_states.dim() != 3 || encoder_hidden_states.size(0) != sample.size(0)) {
    throw data_error(reasonbrain::str("UNet: encoder_hidden_states has shape ",
                                      encoder_hidden_states.sizes(), ", expected [", sample.size(0),
                                      ", L, cross_attention_dim]"));
  }
  for (size_t level = 0; level < config_.num_levels(); ++level) {
    const int64_t width = UNetConfig::at_level(config_.cross_attention_dim, level);
    if (!config_.attends(level) || encoder_hidden_states.size(2) == width) continue;
    throw data_error(str("UNet: encoder_hidden_states has width ", encoder_hidden_states.size(2),
                         ", expected ", width, " (cross_attention_dim)"));
  }
  if (residual.defined() && residual.size(1) != config_.block_out_channels[0]) {
    throw data_error(str("UNet: residual has ", residual.size(1), " channels, expected ",
                         config_.block_out_channels[0]));
  }
  if (timestep.numel() != 1 && timestep.numel() != sample.size(0)) {
    throw data_error(reasonbrain::str("UNet: timestep has shape ", timestep.sizes(), ", expected [",
                                      sample.size(0), "], [1] or []"));
  }
  if (encoder_attention_mask.defined() &&
      encoder_attention_mask.sizes() != encoder_hidden_states.sizes().slice(0, 2)) {
    throw data_error(reasonbrain::str(
        "UNet: encoder_attention_mask has shape ", encoder_attention_mask.sizes(), ", expected ",
        encoder_hidden_states.sizes().slice(0, 2), ", as encoder_hidden_states"));
  }
  if (!timestep_cond.defined()) return;
  if (!time_cond_proj_) {
    throw data_error(
        "UNet: timestep_cond is given, but the configuration has no time_cond_proj_dim");
  }
  const int64_t batch = timestep_cond.dim() > 0 && timestep_cond.size(0) == 1 ? 1 : sample.size(0);
  const std::vector<int64_t> expected = {batch, config_.time_cond_proj_dim};
  if (timestep_cond.sizes() != expected) {
    throw data_error(reasonbrain::str("UNet: timestep_cond has shape ", timestep_cond.sizes(),
                                      ", expected ", torch::IntArrayRef(expected),
                                      " (batch or 1, time_cond_proj_dim)"));
  }
}

torch::Tensor UNetImpl::forward(const torch::Tensor& sample, const torch::Tensor& timestep,
                                const torch::Tensor& encoder_hidden_states,
                                const torch::Tensor& residual,
                                const torch::Tensor& encoder_attention_mask,
                                const torch::Tensor& timestep_cond) {
  check_inputs(sample, timestep, encoder_hidden_states, residual, encoder_attention_mask,
               timestep_cond);
  Conditioning c{.time = embed_time(timestep, timestep_cond, sample),
                 .context = encoder_hidden_states,
                 .context_mask = {}};
  if (encoder_attention_mask.defined()) {
    c.context_mask = ((encoder_attention_mask == 0).to(sample.scalar_type()) * kMaskedBias)
                         .unsqueeze(1)
                         .unsqueeze(1);
  }

  torch::Tensor x = conv_in(config_.center_input_sample ? 2 * sample - 1 : sample);
  if (residual.defined()) x = x + residual;
  std::vector<torch::Tensor> skips{x};
  for (auto& block : down_blocks_) x = block(x, c, skips);
  if (mid_block_) x = mid_block_(x, c);
  for (auto& block : up_blocks_) x = block(x, c, skips);
  return conv_out_(nn::activate(conv_norm_out_(x), activation_));
}

}  // namespace reasonbrain::models::unet
