#include "reason/flux_denoiser.h"

#include "core/str.h"
#include "models/flux/folder.h"
#include "models/vae/folder.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {
namespace {

constexpr int64_t kPack = 2;         // side of the square that becomes one token
constexpr size_t kPositionAxes = 3;  // picture, row, column
constexpr double kSourcePicture = 1;

// Positions [rows * columns, 3] of a picture's tokens.
torch::Tensor positions(double picture, int64_t rows, int64_t columns,
                        const torch::TensorOptions& options) {
  const torch::Tensor y = at::arange(rows, options).view({rows, 1}).expand({rows, columns});
  const torch::Tensor x = at::arange(columns, options).view({1, columns}).expand({rows, columns});
  return at::stack({at::full_like(y, picture), y, x}, -1).view({rows * columns, 3});
}

// x [B, ..] where keep is 1 and `null` [..] where it is 0 or x is undefined.
torch::Tensor or_null(const torch::Tensor& x, const torch::Tensor& null,
                      const torch::Tensor& keep) {  // [B]
  if (!x.defined()) {
    std::vector<int64_t> sizes = null.sizes().vec();
    sizes.insert(sizes.begin(), keep.size(0));
    return null.expand(sizes);
  }
  const torch::Tensor kept = per_sample(keep, x);
  return x * kept + null * (1 - kept);
}

void check(const models::flux::FluxConfig& config, const DenoiserOptions& options, int64_t channels,
           int64_t prompt_width) {
  if (options.prediction == Prediction::kCopyPaint)
    throw config_error("model.denoiser.prediction copy_paint needs model.denoiser.backbone unet");
  const int64_t token = kPack * kPack * channels;
  if (config.in_channels != token || config.output_width() != token) {
    throw config_error(str("model.flux has in_channels ", config.in_channels, " and ",
                           config.output_width(), " outputs a token; model.denoiser asks for ",
                           token, ", four times the latent's channels"));
  }
  if (config.axes_dims_rope.size() != kPositionAxes) {
    throw config_error(str("model.flux.axes_dims_rope has ", config.axes_dims_rope.size(),
                           " axes; expected ", kPositionAxes, ": picture, row, column"));
  }
  if (prompt_width > 0 && prompt_width != config.joint_attention_dim) {
    throw config_error(str("model.flux.joint_attention_dim is ", config.joint_attention_dim,
                           ", but T5's states (model.text_2.d_model) have width ", prompt_width,
                           "; take the encoder that this FLUX was trained with, or set "
                           "model.flux_text.prompt_embeds to false"));
  }
}

}  // namespace

torch::Tensor pack_latent(const torch::Tensor& latent) {
  return at::pixel_unshuffle(latent, kPack).flatten(2).transpose(1, 2);
}

torch::Tensor unpack_latent(const torch::Tensor& tokens, int64_t height, int64_t width) {
  const torch::Tensor channels = tokens.transpose(1, 2).reshape(
      {tokens.size(0), tokens.size(2), height / kPack, width / kPack});
  return at::pixel_shuffle(channels, kPack);
}

FluxDenoiser::FluxDenoiser(const DenoiserOptions& options, const FluxTextOptions& text,
                           models::flux::Flux flux_, diffusion::Objective objective,
                           double num_timesteps, const DenoiserSizes& sizes,
                           models::vae::AutoencoderKL vae_, const nn::Build& build)
    : options_(options),
      text_(text),
      objective_(objective),
      num_timesteps_(num_timesteps),
      codec_(options, vae_) {
  if (!vae_.is_empty()) vae = register_module("vae", vae_);
  const models::flux::FluxConfig config = flux_->config();
  check(config, options,
        Codec::channels(options, vae.is_empty() ? 0 : vae->config().latent_channels),
        text.prompt_embeds ? sizes.prompt_width : 0);
  flux = register_module("flux", std::move(flux_));
  const int64_t width = config.width();
  if (options.source_mode == SourceMode::kChannel) {
    source_ = register_module("source",
                              nn::Linear(config.in_channels, width, /*bias=*/false, build.zero()));
  }
  residual_visual_ = register_module("residual_visual",
                                     nn::Linear(sizes.width, width, /*bias=*/false, build.zero()));
  residual_text_ = register_module("residual_text",
                                   nn::Linear(sizes.width, width, /*bias=*/false, build.zero()));
  register_text(sizes, build);
}

void FluxDenoiser::register_text(const DenoiserSizes& sizes, const nn::Build& build) {
  const int64_t joint = flux->config().joint_attention_dim;
  const int64_t pooled = flux->config().pooled_projection_dim;
  context_proj_ =
      register_module("context_proj", nn::Linear(sizes.width, joint, /*bias=*/true, build));
  null_context_ = register_parameter(
      "null_context", torch::zeros({sizes.context_tokens, sizes.width}, build.tensor));
  const bool clip = text_.pooled_prompt_embeds == PooledText::kClip;
  if (!clip || sizes.pooled_width != pooled) {
    pooled_proj_ = register_module(
        "pooled_proj",
        nn::Linear(clip ? sizes.pooled_width : sizes.width, pooled, /*bias=*/true, build));
  }
  if (clip) {
    null_pooled_prompt_embeds_ =
        register_parameter("null_pooled_prompt_embeds", torch::zeros({pooled}, build.tensor));
  }
  if (text_.prompt_embeds) {
    null_prompt_embeds_ = register_parameter(
        "null_prompt_embeds", torch::zeros({text_.max_sequence_length, joint}, build.tensor));
  }
}

int64_t FluxDenoiser::sequence_length(int64_t height, int64_t width) const {
  return (height / kPack) * (width / kPack);
}

void FluxDenoiser::train_adapter(bool residuals) {
  for (nn::Linear* linear : {&source_, &context_proj_, &pooled_proj_}) {
    if (!linear->is_empty()) nn::set_requires_grad(**linear, true);
  }
  for (torch::Tensor* null : {&null_context_, &null_pooled_prompt_embeds_, &null_prompt_embeds_}) {
    if (null->defined()) null->set_requires_grad(true);
  }
  nn::set_requires_grad(*residual_visual_, residuals);
  nn::set_requires_grad(*residual_text_, residuals);
}

void FluxDenoiser::save_backbone(const std::filesystem::path& folder) {
  models::flux::save(folder, flux);
}

void FluxDenoiser::save_codec(const std::filesystem::path& folder) {
  models::vae::save(folder, vae);
}

torch::Tensor FluxDenoiser::residual(const Condition& condition, const torch::Tensor& source,
                                     int64_t rows, int64_t columns) {
  torch::Tensor sum;
  const auto add = [&](const torch::Tensor& term) { sum = sum.defined() ? sum + term : term; };
  if (!source_.is_empty()) add(source_(source));
  const torch::Tensor both = condition.keep_text * condition.keep_image;
  if (condition.residual_visual.defined()) {
    const torch::Tensor grid = token_grid(condition.residual_visual, rows, columns);
    const torch::Tensor tokens = residual_visual_(grid.flatten(2).transpose(1, 2));
    add(tokens * per_sample(both, tokens));
  }
  if (condition.residual_text.defined()) {
    const torch::Tensor vector = residual_text_(condition.residual_text).unsqueeze(1);
    add((vector * per_sample(both, vector)).expand({-1, rows * columns, -1}));
  }
  return sum;
}

void FluxDenoiser::add_text(const Condition& condition, models::flux::FluxInputs& in) {
  const torch::Tensor& keep = condition.keep_text;
  const torch::Tensor context =
      or_null(condition.context, null_context_.narrow(0, 0, condition.context.size(1)), keep);
  in.encoder_hidden_states = context_proj_(context);
  if (text_.prompt_embeds) {
    in.encoder_hidden_states = at::cat(
        {or_null(condition.prompt_embeds, null_prompt_embeds_, keep), in.encoder_hidden_states}, 1);
  }
  in.txt_ids = at::zeros({in.encoder_hidden_states.size(1), static_cast<int64_t>(kPositionAxes)},
                         context.options().dtype(torch::kFloat32));
  if (text_.pooled_prompt_embeds == PooledText::kContext) {
    in.pooled_projections = pooled_proj_(context.mean(1));
    return;
  }
  torch::Tensor pooled = condition.pooled_prompt_embeds;
  if (pooled.defined() && !pooled_proj_.is_empty()) pooled = pooled_proj_(pooled);
  in.pooled_projections = or_null(pooled, null_pooled_prompt_embeds_, keep);
}

std::vector<int64_t> FluxDenoiser::latent_shape(int64_t picture_side) const {
  const std::vector<int64_t> shape = codec_.latent_shape(picture_side);
  if (shape[1] % kPack != 0) {
    throw config_error(str(
        "model.denoiser.picture_side is ", picture_side, ", which makes latents of side ", shape[1],
        "; FLUX takes even ones: expected a multiple of ", kPack * picture_side / shape[1]));
  }
  return shape;
}

torch::Tensor FluxDenoiser::forward(const torch::Tensor& z, const torch::Tensor& t,
                                    const Condition& condition) {
  const int64_t batch = z.size(0), height = z.size(2), width = z.size(3);
  if (height % kPack != 0 || width % kPack != 0) {
    throw data_error(str("FLUX takes latents with even sides, got ", height, " x ", width));
  }
  const int64_t rows = height / kPack, columns = width / kPack, tokens = rows * columns;
  const torch::Tensor scaled = codec_.source(condition.source);
  const torch::Tensor source = pack_latent(scaled * per_sample(condition.keep_image, scaled));
  const auto numbers = z.options().dtype(torch::kFloat32);

  models::flux::FluxInputs in;
  in.hidden_states = pack_latent(z);
  in.img_ids = positions(/*picture=*/0, rows, columns, numbers);
  if (options_.source_mode == SourceMode::kSequence) {
    in.hidden_states = at::cat({in.hidden_states, source}, 1);
    in.img_ids = at::cat({in.img_ids, positions(kSourcePicture, rows, columns, numbers)});
  }
  add_text(condition, in);
  in.timestep = t.to(torch::kFloat32) / num_timesteps_;
  if (flux->config().guidance_embeds)
    in.guidance = at::full({batch}, options_.distilled_guidance, numbers);
  in.residual = residual(condition, source, rows, columns);
  return unpack_latent(flux(in).narrow(1, 0, tokens), height, width);
}

}  // namespace reasonbrain::reason
