#include "models/sam/decoder.h"

#include "models/register_at.h"
#include "nn/attention.h"

namespace reasonbrain::models::sam {
namespace {

constexpr double kFinalNormEps = 1e-5;  // not an option of the reference
constexpr int64_t kHyperDepth = 3;

}  // namespace

TwoWayAttentionImpl::TwoWayAttentionImpl(const DecoderConfig& config, int64_t downsample_rate,
                                         const nn::Build& build)
    : num_heads_(config.num_attention_heads) {
  const int64_t width = config.hidden_size, inner = width / downsample_rate;
  q_proj = register_module("q_proj", nn::Linear(width, inner, /*bias=*/true, build));
  k_proj = register_module("k_proj", nn::Linear(width, inner, /*bias=*/true, build));
  v_proj = register_module("v_proj", nn::Linear(width, inner, /*bias=*/true, build));
  out_proj = register_module("out_proj", nn::Linear(inner, width, /*bias=*/true, build));
}

torch::Tensor TwoWayAttentionImpl::forward(const torch::Tensor& query, const torch::Tensor& key,
                                           const torch::Tensor& value) {
  const torch::Tensor read = nn::attention(nn::split_heads(q_proj(query), num_heads_),
                                           nn::split_heads(k_proj(key), num_heads_),
                                           nn::split_heads(v_proj(value), num_heads_));
  return out_proj(nn::merge_heads(read));
}

TwoWayLayerImpl::TwoWayLayerImpl(const DecoderConfig& config, bool first, const nn::Build& build)
    : first_(first) {
  const int64_t width = config.hidden_size;
  const auto norm = [&] { return nn::LayerNorm(width, config.layer_norm_eps, build); };
  self_attn = register_module("self_attn", TwoWayAttention(config, /*downsample_rate=*/1, build));
  layer_norm1 = register_module("layer_norm1", norm());
  cross_attn_token_to_image = register_module("cross_attn_token_to_image",
                                              TwoWayAttention(config, kLayerDownsampleRate, build));
  layer_norm2 = register_module("layer_norm2", norm());
  mlp = register_module("mlp",
                        Mlp(width, config.mlp_dim, nn::parse_activation(config.hidden_act), build));
  layer_norm3 = register_module("layer_norm3", norm());
  layer_norm4 = register_module("layer_norm4", norm());
  cross_attn_image_to_token = register_module("cross_attn_image_to_token",
                                              TwoWayAttention(config, kLayerDownsampleRate, build));
}

void TwoWayLayerImpl::forward(TwoWayState& state) {
  torch::Tensor tokens = state.tokens;
  if (first_) {  // the tokens are their own positions still: neither these nor a residual
    tokens = self_attn(tokens, tokens, tokens);
  } else {
    const torch::Tensor placed = tokens + state.token_positions;
    tokens = tokens + self_attn(placed, placed, tokens);
  }
  tokens = layer_norm1(tokens);
  const torch::Tensor placed_cells = state.cells + state.cell_positions;
  tokens = layer_norm2(tokens + cross_attn_token_to_image(tokens + state.token_positions,
                                                          placed_cells, state.cells));
  tokens = layer_norm3(tokens + mlp(tokens));
  state.cells =
      layer_norm4(state.cells +
                  cross_attn_image_to_token(placed_cells, tokens + state.token_positions, tokens));
  state.tokens = tokens;
}

MaskDecoderImpl::MaskDecoderImpl(const DecoderConfig& config, const nn::Build& build)
    : config_(config) {
  const int64_t width = config.hidden_size, num_masks = config.num_multimask_outputs + 1;
  iou_token_ = register_module("iou_token", nn::Embedding(1, width, build));
  mask_tokens_ = register_module("mask_tokens", nn::Embedding(num_masks, width, build));
  layers_ = register_at(*this, "transformer.layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers_->push_back(TwoWayLayer(config, /*first=*/i == 0, build));
  final_attention_ = register_at(*this, "transformer.final_attn_token_to_image",
                                 TwoWayAttention(config, config.attention_downsample_rate, build));
  final_norm_ = register_at(*this, "transformer.layer_norm_final_attn",
                            nn::LayerNorm(width, kFinalNormEps, build));
  upscale_conv1_ = register_module("upscale_conv1", UpConv(width, width / 4, build));
  upscale_conv2_ = register_module("upscale_conv2", UpConv(width / 4, width / 8, build));
  upscale_norm_ = register_module("upscale_layer_norm", MapNorm(width / 4, kMapNormEps, build));
  hyper_mlps_ = register_module("output_hypernetworks_mlps", torch::nn::ModuleList());
  for (int64_t i = 0; i < num_masks; ++i)
    hyper_mlps_->push_back(FeedForward(width, width, width / 8, kHyperDepth, build));
  iou_head_ = register_module(
      "iou_prediction_head",
      FeedForward(width, config.iou_head_hidden_dim, num_masks, config.iou_head_depth, build));
}

torch::Tensor MaskDecoderImpl::upscale(const torch::Tensor& cells, int64_t grid) {
  const torch::Tensor map =
      cells.transpose(1, 2).reshape({cells.size(0), cells.size(2), grid, grid});
  const torch::Tensor twice = at::gelu(upscale_norm_(upscale_conv1_(map)));
  return at::gelu(upscale_conv2_(twice)).flatten(2);
}

Masks MaskDecoderImpl::forward(const torch::Tensor& image, const torch::Tensor& cell_positions,
                               const torch::Tensor& sparse) {
  const int64_t batch = image.size(0), width = image.size(1), grid = image.size(2);
  const int64_t prompts = sparse.defined() ? sparse.size(1) : 1;
  TwoWayState state;
  state.tokens = at::cat({iou_token_->weight, mask_tokens_->weight}, 0)
                     .unsqueeze(0)
                     .expand({batch * prompts, -1, -1});
  if (sparse.defined()) state.tokens = at::cat({state.tokens, sparse.flatten(0, 1)}, 1);
  state.token_positions = state.tokens;
  state.cells = image.flatten(2)
                    .transpose(1, 2)
                    .unsqueeze(1)
                    .expand({batch, prompts, grid * grid, width})
                    .flatten(0, 1);
  state.cell_positions = cell_positions.flatten(2).transpose(1, 2);
  for (size_t i = 0; i < layers_->size(); ++i) layers_->ptr<TwoWayLayerImpl>(i)->forward(state);
  const torch::Tensor tokens =
      final_norm_(state.tokens + final_attention_(state.tokens + state.token_positions,
                                                  state.cells + state.cell_positions, state.cells));

  // Mask 0 is the one for unambiguous prompts: neither it nor its rating is wanted here.
  std::vector<torch::Tensor> weights;
  for (int64_t i = 1; i <= config_.num_multimask_outputs; ++i) {
    const auto mlp = hyper_mlps_->ptr<FeedForwardImpl>(static_cast<size_t>(i));
    weights.push_back(mlp->forward(tokens.select(1, 1 + i)));
  }
  Masks out;
  out.pred_masks = at::matmul(at::stack(weights, 1), upscale(state.cells, grid))
                       .view({batch, prompts, -1, 4 * grid, 4 * grid});
  out.iou_scores = iou_head_(tokens.select(1, 0)).narrow(1, 1, config_.num_multimask_outputs);
  out.iou_scores = out.iou_scores.view({batch, prompts, -1});
  return out;
}

}  // namespace reasonbrain::models::sam
