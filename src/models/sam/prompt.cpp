#include "models/sam/prompt.h"

#include <cmath>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::sam {
namespace {

constexpr double kPixelCentre = 0.5;

void require_shape(bool fits, const char* name, const torch::Tensor& tensor, const char* expected) {
  if (fits) return;
  throw data_error(
      reasonbrain::str(name, " has the shape ", tensor.sizes(), "; expected ", expected));
}

}  // namespace

PositionsImpl::PositionsImpl(const VisionConfig& config, const nn::Build& build) {
  const auto std = static_cast<double>(config.hidden_size / 2);  // as the reference initialises
  positional_embedding = parameter("positional_embedding", {2, config.num_pos_feats}, build.tensor,
                                   nn::Init::normal(std));
}

torch::Tensor PositionsImpl::forward(const torch::Tensor& places) {
  const torch::Tensor centred = (2 * places - 1).to(positional_embedding.scalar_type());
  const torch::Tensor phase = 2 * M_PI * at::matmul(centred, positional_embedding);
  return at::cat({phase.sin(), phase.cos()}, -1);
}

torch::Tensor PositionsImpl::of_grid(int64_t grid) {
  const torch::Tensor centres =
      (at::arange(1, grid + 1, positional_embedding.options().requires_grad(false)) -
       kPixelCentre) /
      grid;
  const torch::Tensor x = centres.unsqueeze(0).expand({grid, grid});
  return forward(at::stack({x, x.t()}, -1)).permute({2, 0, 1}).unsqueeze(0);
}

MaskEmbeddingImpl::MaskEmbeddingImpl(const PromptConfig& config, const nn::Build& build)
    : activation_(nn::parse_activation(config.hidden_act)), channels_(config.mask_input_channels) {
  const int64_t inner = channels_ / 4;
  const auto conv = [&](int64_t in, int64_t out, int64_t kernel) {
    return nn::Conv2d(in, out, kernel, kernel, /*padding=*/0, /*bias=*/true, build);
  };
  conv1 = register_module("conv1", conv(1, inner, 2));
  conv2 = register_module("conv2", conv(inner, channels_, 2));
  conv3 = register_module("conv3", conv(channels_, config.hidden_size, 1));
  const double eps = config.layer_norm_eps;
  layer_norm1 = register_module("layer_norm1", MapNorm(inner, eps, build));
  layer_norm2 = register_module("layer_norm2", MapNorm(4 * inner, eps, build));
}

torch::Tensor MaskEmbeddingImpl::forward(const torch::Tensor& masks) {
  if (channels_ % 4 != 0) {
    throw data_error(reasonbrain::str("prompt_encoder_config.mask_input_channels is ", channels_,
                                      ", no multiple of 4: the model takes no masks"));
  }
  const torch::Tensor half = nn::activate(layer_norm1(conv1(masks)), activation_);
  return conv3(nn::activate(layer_norm2(conv2(half)), activation_));
}

PromptEncoderImpl::PromptEncoderImpl(const PromptConfig& config, const nn::Build& build)
    : config_(config) {
  const auto row = [&] { return nn::Embedding(1, config.hidden_size, build); };
  mask_embed = register_module("mask_embed", MaskEmbedding(config, build));
  no_mask_embed = register_module("no_mask_embed", row());
  point_embed = register_module("point_embed", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_point_embeddings; ++i) point_embed->push_back(row());
  not_a_point_embed = register_module("not_a_point_embed", row());
}

torch::Tensor PromptEncoderImpl::kind(size_t index) {
  return point_embed->ptr<nn::EmbeddingImpl>(index)->weight[0];
}

torch::Tensor PromptEncoderImpl::embed_points(const Prompts& prompts, Positions& positions) {
  torch::Tensor points = prompts.points;
  require_shape(points.dim() == 4 && points.size(3) == 2, "input_points", points,
                "[batch, prompts, points, 2]");
  torch::Tensor labels = prompts.labels;
  if (!labels.defined()) {
    labels = at::full(points.sizes().slice(0, 3), kForeground,
                      points.options().dtype(torch::kInt64).requires_grad(false));
  }
  require_shape(labels.sizes() == points.sizes().slice(0, 3), "input_labels", labels,
                "[batch, prompts, points], as input_points");
  points = points + kPixelCentre;
  if (!prompts.boxes.defined()) {  // the decoder was trained with a token more than points
    points = at::constant_pad_nd(points, {0, 0, 0, 1});
    labels = at::constant_pad_nd(labels, {0, 1}, kNotAPoint);
  }
  const torch::Tensor which = labels.unsqueeze(-1);
  torch::Tensor tokens = positions(points / config_.image_size);
  tokens = at::where(which == kNotAPoint, not_a_point_embed->weight[0], tokens);
  tokens = at::where(which == kIgnored, at::zeros_like(tokens), tokens);
  tokens = at::where(which == kBackground, tokens + kind(0), tokens);
  return at::where(which == kForeground, tokens + kind(1), tokens);
}

torch::Tensor PromptEncoderImpl::embed_boxes(const torch::Tensor& boxes, Positions& positions) {
  require_shape(boxes.dim() == 3 && boxes.size(2) == 4, "input_boxes", boxes,
                "[batch, prompts, 4]");
  if (config_.num_point_embeddings < 4) {
    throw data_error(reasonbrain::str("prompt_encoder_config.num_point_embeddings is ",
                                      config_.num_point_embeddings,
                                      "; a model that takes boxes has 4"));
  }
  const torch::Tensor corners =
      (boxes + kPixelCentre).view({boxes.size(0), boxes.size(1), 2, 2}) / config_.image_size;
  return positions(corners) + at::stack({kind(2), kind(3)});
}

PromptTokens PromptEncoderImpl::forward(const Prompts& prompts, Positions& positions) {
  std::vector<torch::Tensor> tokens;
  if (prompts.points.defined()) tokens.push_back(embed_points(prompts, positions));
  if (prompts.boxes.defined()) tokens.push_back(embed_boxes(prompts.boxes, positions));
  if (tokens.size() == 2 && tokens[0].sizes().slice(0, 2) != tokens[1].sizes().slice(0, 2)) {
    throw data_error(reasonbrain::str("input_boxes has the shape ", prompts.boxes.sizes(),
                                      "; expected [batch, prompts, 4] with ",
                                      tokens[0].sizes().slice(0, 2), ", as input_points"));
  }
  PromptTokens out;
  if (!tokens.empty()) out.sparse = at::cat(tokens, 2);
  out.dense = prompts.masks.defined() ? mask_embed(prompts.masks)
                                      : no_mask_embed->weight.view({1, -1, 1, 1});
  return out;
}

}  // namespace reasonbrain::models::sam
