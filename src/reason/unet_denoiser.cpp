#include "reason/unet_denoiser.h"

#include "core/str.h"
#include "models/unet/folder.h"
#include "models/vae/folder.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {
namespace {

constexpr double kGateOffset = 2.0;  // the untrained gate is sigmoid(-2) = 0.12: mostly copy
constexpr double kPaintScale = 2.0;

int64_t gate_channels(const DenoiserOptions& options) {
  return options.codec == LatentCodec::kPixelBlocks ? options.pixel_block * options.pixel_block : 1;
}

}  // namespace

int64_t UNetDenoiser::output_channels(const DenoiserOptions& options, int64_t latent_channels) {
  return options.prediction == Prediction::kCopyPaint ? latent_channels + gate_channels(options)
                                                      : latent_channels;
}

UNetDenoiser::UNetDenoiser(const DenoiserOptions& options, models::unet::UNet unet_,
                           diffusion::Objective objective, const DenoiserSizes& sizes,
                           models::vae::AutoencoderKL vae_, const nn::Build& build)
    : options_(options), objective_(objective), codec_(options, vae_) {
  if (options.prediction == Prediction::kCopyPaint && objective != diffusion::Objective::kSample) {
    throw config_error(
        "model.denoiser.prediction is copy_paint, which predicts the picture itself; set "
        "model.scheduler.prediction_type to sample");
  }
  if (!vae_.is_empty()) vae = register_module("vae", vae_);
  const models::unet::UNetConfig config = unet_->config();
  const int64_t channels =
      Codec::channels(options, vae.is_empty() ? 0 : vae->config().latent_channels);
  const int64_t outputs = output_channels(options, channels);
  if (config.in_channels != channels || config.out_channels != outputs) {
    throw config_error(str("model.unet has in_channels ", config.in_channels, " and out_channels ",
                           config.out_channels, "; model.denoiser asks for ", channels, " and ",
                           outputs));
  }
  const int64_t width = config.block_out_channels.front();
  const int64_t kernel = config.conv_in_kernel;
  unet = register_module("unet", std::move(unet_));
  conv_src_ = register_module("conv_src", nn::Conv2d(channels, width, kernel, /*stride=*/1,
                                                     kernel / 2, /*bias=*/false, build.zero()));
  residual_visual_ = register_module(
      "residual_visual", nn::Conv2d(sizes.width, width, /*kernel=*/1, /*stride=*/1, /*padding=*/0,
                                    /*bias=*/false, build.zero()));
  residual_text_ = register_module("residual_text",
                                   nn::Linear(sizes.width, width, /*bias=*/false, build.zero()));
  context_proj_ = register_module(
      "context_proj",
      nn::Linear(sizes.width, config.cross_attention_dim.front(), /*bias=*/true, build));
  null_context_ = register_parameter(
      "null_context", torch::zeros({sizes.context_tokens, sizes.width}, build.tensor));
}

void UNetDenoiser::save_backbone(const std::filesystem::path& folder) {
  models::unet::save(folder, unet);
}

void UNetDenoiser::save_codec(const std::filesystem::path& folder) {
  models::vae::save(folder, vae);
}

void UNetDenoiser::train_adapter(bool residuals) {
  nn::set_requires_grad(*conv_src_, true);
  nn::set_requires_grad(*context_proj_, true);
  null_context_.set_requires_grad(true);
  nn::set_requires_grad(*residual_visual_, residuals);
  nn::set_requires_grad(*residual_text_, residuals);
}

torch::Tensor UNetDenoiser::copy_paint(const torch::Tensor& output, const torch::Tensor& source,
                                       const torch::Tensor& open_gate) const {
  const int64_t channels = source.size(1);
  const int64_t gates = gate_channels(options_);
  // [N, colours]: pixel_unshuffle keeps a colour's pixels together.
  const torch::Tensor colours = source.unflatten(1, {-1, gates}).flatten(2);
  const torch::Tensor ground = source.is_meta()  // median is not known there; the shape is the same
                                   ? colours.mean(2)
                                   : std::get<0>(colours.median(2));
  const torch::Tensor paint = ground.repeat_interleave(gates, 1).unsqueeze(-1).unsqueeze(-1) +
                              output.narrow(1, 0, channels) * kPaintScale;
  torch::Tensor gate = at::sigmoid(output.narrow(1, channels, gates) - kGateOffset);
  if (open_gate.defined())
    gate = at::maximum(gate, codec_.weight_map(open_gate).narrow(1, 0, gates).to(gate));
  // One gate per pixel, shared by its colour channels.
  const torch::Tensor shared = gate.repeat({1, channels / gates, 1, 1});
  return source + shared * (paint - source);
}

torch::Tensor UNetDenoiser::forward(const torch::Tensor& z, const torch::Tensor& t,
                                    const Condition& condition) {
  const torch::Tensor text = per_sample(condition.keep_text, condition.context);
  const torch::Tensor context =
      condition.context * text + null_context_.narrow(0, 0, condition.context.size(1)) * (1 - text);
  torch::Tensor source = codec_.source(condition.source);
  source = source * per_sample(condition.keep_image, source);
  torch::Tensor residual = conv_src_(source);
  const torch::Tensor both = condition.keep_text * condition.keep_image;
  if (condition.residual_visual.defined()) {
    const torch::Tensor grid = token_grid(condition.residual_visual, z.size(2), z.size(3));
    residual = residual + residual_visual_(grid) * per_sample(both, residual);
  }
  if (condition.residual_text.defined()) {
    const torch::Tensor vector =
        residual_text_(condition.residual_text).unsqueeze(-1).unsqueeze(-1);
    residual = residual + vector * per_sample(both, residual);
  }
  const torch::Tensor output = unet(z, t, context_proj_(context), residual);
  return options_.prediction == Prediction::kCopyPaint
             ? copy_paint(output, source, condition.open_gate)
             : output;
}

}  // namespace reasonbrain::reason
