#include "models/sam/vision.h"

#include "core/str.h"
#include "models/register_at.h"
#include "nn/attention.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::sam {
namespace {

// The rows of `table` [2 s - 1, D] for every pair of positions on one axis: [s, s, D].
torch::Tensor by_distance(const torch::Tensor& table, int64_t side) {
  const torch::Tensor position = at::arange(side, table.options().dtype(torch::kInt64));
  const torch::Tensor distance = position.unsqueeze(1) - position.unsqueeze(0) + (side - 1);
  return table.index_select(0, distance.flatten()).view({side, side, table.size(1)});
}

// Windows of a map, padded with zeros at the right and at the bottom.
// [B, h, w, W] -> [B * n * m, window, window, W]
torch::Tensor to_windows(const torch::Tensor& map, int64_t window) {
  const int64_t rows = (map.size(1) + window - 1) / window;
  const int64_t columns = (map.size(2) + window - 1) / window;
  const torch::Tensor padded = at::constant_pad_nd(
      map, {0, 0, 0, columns * window - map.size(2), 0, rows * window - map.size(1)});
  return padded.reshape({map.size(0), rows, window, columns, window, map.size(3)})
      .transpose(2, 3)
      .reshape({-1, window, window, map.size(3)});
}

torch::Tensor from_windows(const torch::Tensor& windows, int64_t height, int64_t width) {
  const int64_t window = windows.size(1);
  const int64_t rows = (height + window - 1) / window, columns = (width + window - 1) / window;
  return windows.reshape({-1, rows, columns, window, window, windows.size(3)})
      .transpose(2, 3)
      .reshape({-1, rows * window, columns * window, windows.size(3)})
      .narrow(1, 0, height)
      .narrow(2, 0, width);
}

}  // namespace

VisionAttentionImpl::VisionAttentionImpl(const VisionConfig& config, int64_t side,
                                         const nn::Build& build)
    : num_heads_(config.num_attention_heads), side_(side) {
  const int64_t width = config.hidden_size;
  qkv = register_module("qkv", nn::Linear(width, 3 * width, config.qkv_bias, build));
  proj = register_module("proj", nn::Linear(width, width, /*bias=*/true, build));
  if (!config.use_rel_pos) return;
  const std::vector<int64_t> sizes = {2 * side - 1, width / num_heads_};
  rel_pos_h = parameter("rel_pos_h", sizes, build.tensor, nn::Init::zeros());
  rel_pos_w = parameter("rel_pos_w", sizes, build.tensor, nn::Init::zeros());
}

torch::Tensor VisionAttentionImpl::position_bias(const torch::Tensor& query) const {
  const auto sizes = query.sizes();
  const torch::Tensor map = query.reshape({sizes[0], sizes[1], side_, side_, sizes[3]});
  const torch::Tensor rows = at::einsum("bnhwc,hkc->bnhwk", {map, by_distance(rel_pos_h, side_)});
  const torch::Tensor columns =
      at::einsum("bnhwc,wkc->bnhwk", {map, by_distance(rel_pos_w, side_)});
  return (rows.unsqueeze(-1) + columns.unsqueeze(-2))
      .reshape({sizes[0], sizes[1], side_ * side_, side_ * side_});
}

torch::Tensor VisionAttentionImpl::forward(const torch::Tensor& states) {
  const auto parts = qkv(states.flatten(1, 2)).chunk(3, -1);
  const torch::Tensor query = nn::split_heads(parts[0], num_heads_);
  const torch::Tensor bias = rel_pos_h.defined() ? position_bias(query) : torch::Tensor();
  const torch::Tensor read = nn::attention(query, nn::split_heads(parts[1], num_heads_),
                                           nn::split_heads(parts[2], num_heads_), bias);
  return proj(nn::merge_heads(read)).reshape(states.sizes());
}

VisionLayerImpl::VisionLayerImpl(const VisionConfig& config, int64_t window, const nn::Build& build)
    : window_(window) {
  const int64_t width = config.hidden_size;
  layer_norm1 = register_module("layer_norm1", nn::LayerNorm(width, config.layer_norm_eps, build));
  attn =
      register_module("attn", VisionAttention(config, window > 0 ? window : config.grid(), build));
  layer_norm2 = register_module("layer_norm2", nn::LayerNorm(width, config.layer_norm_eps, build));
  mlp = register_module(
      "mlp", Mlp(width, config.mlp_width(), nn::parse_activation(config.hidden_act), build));
}

torch::Tensor VisionLayerImpl::forward(const torch::Tensor& states) {
  torch::Tensor read = layer_norm1(states);
  if (window_ > 0) {
    read = from_windows(attn(to_windows(read, window_)), states.size(1), states.size(2));
  } else {
    read = attn(read);
  }
  const torch::Tensor attended = states + read;
  return attended + mlp(layer_norm2(attended));
}

NeckImpl::NeckImpl(const VisionConfig& config, const nn::Build& build) {
  const int64_t out = config.output_channels;
  conv1 = register_module(
      "conv1", nn::Conv2d(config.hidden_size, out, 1, 1, /*padding=*/0, /*bias=*/false, build));
  layer_norm1 = register_module("layer_norm1", MapNorm(out, kMapNormEps, build));
  conv2 =
      register_module("conv2", nn::Conv2d(out, out, 3, 1, /*padding=*/1, /*bias=*/false, build));
  layer_norm2 = register_module("layer_norm2", MapNorm(out, kMapNormEps, build));
}

torch::Tensor NeckImpl::forward(const torch::Tensor& states) {
  return layer_norm2(conv2(layer_norm1(conv1(states.permute({0, 3, 1, 2})))));
}

VisionEncoderImpl::VisionEncoderImpl(const VisionConfig& config, const nn::Build& build)
    : config_(config) {
  projection_ = register_at(
      *this, "patch_embed.projection",
      nn::Conv2d(config.num_channels, config.hidden_size, config.patch_size, config.patch_size,
                 /*padding=*/0, /*bias=*/true, build));
  if (config.use_abs_pos) {
    pos_embed = parameter("pos_embed", {1, config.grid(), config.grid(), config.hidden_size},
                          build.tensor, nn::Init::zeros());
  }
  layers_ = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers_->push_back(VisionLayer(config, config.window_of(i), build));
  neck_ = register_module("neck", Neck(config, build));
}

torch::Tensor VisionEncoderImpl::forward(const torch::Tensor& pixel_values) {
  const int64_t side = config_.image_size;
  if (pixel_values.dim() != 4 || pixel_values.size(1) != config_.num_channels ||
      pixel_values.size(2) != side || pixel_values.size(3) != side) {
    throw data_error(reasonbrain::str("pixel_values have the shape ", pixel_values.sizes(),
                                      "; expected [batch, ", config_.num_channels, ", ", side, ", ",
                                      side, "]"));
  }
  torch::Tensor states = projection_(pixel_values).permute({0, 2, 3, 1});
  if (pos_embed.defined()) states = states + pos_embed;
  for (size_t i = 0; i < layers_->size(); ++i)
    states = layers_->ptr<VisionLayerImpl>(i)->forward(states);
  return neck_(states);
}

}  // namespace reasonbrain::models::sam
