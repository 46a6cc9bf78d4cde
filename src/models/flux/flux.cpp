#include "models/flux/flux.h"

#include "core/str.h"
#include "models/flux/rope.h"
#include "models/register_at.h"
#include "models/unet/unet.h"

namespace reasonbrain::models::flux {
namespace {

constexpr int64_t kTimeChannels = 256;
constexpr double kTimeScale = 1000;

torch::Tensor sinusoid(const torch::Tensor& level, const torch::Tensor& like) {  // -> [B or 1, 256]
  const torch::Tensor scaled = level.to(torch::kFloat32).reshape({-1}) * kTimeScale;
  return unet::timestep_embedding(scaled.to(like.device()), kTimeChannels, /*cos_first=*/true,
                                  /*freq_shift=*/0)
      .to(like.scalar_type());
}

void check_shape(const torch::Tensor& x, const char* name, const std::vector<int64_t>& expected) {
  bool fits = x.defined() && x.dim() == static_cast<int64_t>(expected.size());
  for (size_t i = 0; fits && i < expected.size(); ++i) {
    fits = x.size(static_cast<int64_t>(i)) == expected[i];
  }
  if (fits) return;
  std::vector<std::string> sizes;
  for (const int64_t size : expected) sizes.push_back(str(size));
  if (!x.defined()) throw data_error(str("FLUX: ", name, " is missing"));
  throw data_error(reasonbrain::str("FLUX: ", name, " has shape ", x.sizes(), ", expected [",
                                    join(sizes, ", "), "]"));
}

}  // namespace

FluxImpl::FluxImpl(const FluxConfig& config, const nn::Build& build) : config_(config) {
  config.validate();
  const int64_t width = config.width();
  time_ = embedder("timestep_embedder", kTimeChannels, build);
  if (config.guidance_embeds) guidance_ = embedder("guidance_embedder", kTimeChannels, build);
  pooled_ = embedder("text_embedder", config.pooled_projection_dim, build);
  context_embedder = register_module(
      "context_embedder", nn::Linear(config.joint_attention_dim, width, /*bias=*/true, build));
  x_embedder =
      register_module("x_embedder", nn::Linear(config.in_channels, width, /*bias=*/true, build));
  for (int64_t i = 0; i < config.num_layers; ++i) {
    double_blocks_.push_back(
        register_at(*this, str("transformer_blocks.", i), DoubleBlock(config, build)));
  }
  for (int64_t i = 0; i < config.num_single_layers; ++i) {
    single_blocks_.push_back(
        register_at(*this, str("single_transformer_blocks.", i), SingleBlock(config, build)));
  }
  modulation_out_ =
      register_at(*this, "norm_out.linear", nn::Linear(width, 2 * width, /*bias=*/true, build));
  proj_out =
      register_module("proj_out", nn::Linear(width, config.output_width(), /*bias=*/true, build));
}

FluxImpl::Embedder FluxImpl::embedder(const std::string& name, int64_t in, const nn::Build& build) {
  const std::string path = "time_text_embed." + name;
  const int64_t width = config_.width();
  return {register_at(*this, path + ".linear_1", nn::Linear(in, width, /*bias=*/true, build)),
          register_at(*this, path + ".linear_2", nn::Linear(width, width, /*bias=*/true, build))};
}

void FluxImpl::check(const FluxInputs& in) const {
  const torch::Tensor& x = in.hidden_states;
  if (x.dim() != 3 || x.size(2) != config_.in_channels) {
    throw data_error(reasonbrain::str("FLUX: hidden_states has shape ", x.sizes(),
                                      ", expected [B, N, ", config_.in_channels,
                                      "] (in_channels)"));
  }
  const torch::Tensor& context = in.encoder_hidden_states;
  if (context.dim() != 3) {
    throw data_error(reasonbrain::str("FLUX: encoder_hidden_states has shape ", context.sizes(),
                                      ", expected [B, L, ", config_.joint_attention_dim, "]"));
  }
  const int64_t batch = x.size(0), length = context.size(1);
  const auto axes = static_cast<int64_t>(config_.axes_dims_rope.size());
  check_shape(context, "encoder_hidden_states", {batch, length, config_.joint_attention_dim});
  check_shape(in.pooled_projections, "pooled_projections", {batch, config_.pooled_projection_dim});
  check_shape(in.img_ids, "img_ids", {x.size(1), axes});
  check_shape(in.txt_ids, "txt_ids", {length, axes});
  for (const torch::Tensor* level : {&in.timestep, &in.guidance}) {
    if (level->defined() && level->numel() != 1) {
      check_shape(*level, level == &in.timestep ? "timestep" : "guidance", {batch});
    }
  }
  if (in.guidance.defined() != config_.guidance_embeds) {
    throw data_error(config_.guidance_embeds
                         ? "FLUX: guidance is missing; the configuration has guidance_embeds"
                         : "FLUX: guidance is given, but the configuration has no guidance_embeds");
  }
  if (in.residual.defined() && (in.residual.dim() != 3 || in.residual.size(1) > x.size(1) ||
                                in.residual.size(2) != config_.width())) {
    throw data_error(reasonbrain::str("FLUX: residual has shape ", in.residual.sizes(),
                                      ", expected [B, at most ", x.size(1), ", ", config_.width(),
                                      "]"));
  }
}

torch::Tensor FluxImpl::condition(const FluxInputs& inputs) {
  const torch::Tensor& like = inputs.pooled_projections;
  torch::Tensor sum = time_(sinusoid(inputs.timestep, like));
  if (inputs.guidance.defined()) sum = sum + guidance_(sinusoid(inputs.guidance, like));
  return at::silu(sum + pooled_(like));  // every modulation would activate it by itself
}

torch::Tensor FluxImpl::forward(const FluxInputs& inputs) {
  check(inputs);
  const torch::Tensor condition = this->condition(inputs);
  const torch::Tensor angles =
      rotations(at::cat({inputs.txt_ids, inputs.img_ids}), config_.axes_dims_rope);
  torch::Tensor image = x_embedder(inputs.hidden_states);
  const int64_t length = inputs.encoder_hidden_states.size(1), tokens = image.size(1);
  if (inputs.residual.defined()) {
    const int64_t rest = tokens - inputs.residual.size(1);
    image = image + at::constant_pad_nd(inputs.residual, {0, 0, 0, rest});
  }
  DoubleBlockImpl::Streams streams{context_embedder(inputs.encoder_hidden_states), image};
  for (auto& block : double_blocks_) streams = block->forward(streams, condition, angles);
  torch::Tensor x = at::cat({streams.text, streams.image}, 1);
  for (auto& block : single_blocks_) x = block(x, condition, angles);
  const auto out = modulation_out_(condition).unsqueeze(1).chunk(2, -1);  // scale, then shift
  return proj_out(modulated_norm(x.narrow(1, length, tokens), out[1], out[0]));
}

}  // namespace reasonbrain::models::flux
