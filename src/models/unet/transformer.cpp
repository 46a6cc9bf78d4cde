#include "models/unet/transformer.h"

#include "core/str.h"
#include "models/register_at.h"
#include "nn/attention.h"

namespace reasonbrain::models::unet {
namespace {

constexpr double kGroupNormEps = 1e-6;  // of the reference, whatever norm_eps says
constexpr double kLayerNormEps = 1e-5;

}  // namespace

CrossAttentionImpl::CrossAttentionImpl(int64_t width, int64_t context_width, int64_t num_heads,
                                       const nn::Build& build)
    : num_heads_(num_heads) {
  to_q = register_module("to_q", nn::Linear(width, width, /*bias=*/false, build));
  to_k = register_module("to_k", nn::Linear(context_width, width, /*bias=*/false, build));
  to_v = register_module("to_v", nn::Linear(context_width, width, /*bias=*/false, build));
  to_out = register_at(*this, "to_out.0", nn::Linear(width, width, /*bias=*/true, build));
}

torch::Tensor CrossAttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& context,
                                          const torch::Tensor& mask) {
  return to_out(nn::merge_heads(nn::attention(nn::split_heads(to_q(x), num_heads_),
                                              nn::split_heads(to_k(context), num_heads_),
                                              nn::split_heads(to_v(context), num_heads_), mask)));
}

TransformerBlockImpl::TransformerBlockImpl(int64_t width, const TransformerOptions& options,
                                           const nn::Build& build)
    : only_cross_attention_(options.only_cross_attention) {
  const int64_t first_width = only_cross_attention_ ? options.context_width : width;
  norm1 = register_module("norm1", nn::LayerNorm(width, kLayerNormEps, build));
  attn1 = register_module("attn1", CrossAttention(width, first_width, options.num_heads, build));
  norm2 = register_module("norm2", nn::LayerNorm(width, kLayerNormEps, build));
  attn2 = register_module("attn2",
                          CrossAttention(width, options.context_width, options.num_heads, build));
  norm3 = register_module("norm3", nn::LayerNorm(width, kLayerNormEps, build));
  const int64_t hidden = 4 * width;
  ff_in = register_at(*this, "ff.net.0.proj", nn::Linear(width, 2 * hidden, /*bias=*/true, build));
  ff_out = register_at(*this, "ff.net.2", nn::Linear(hidden, width, /*bias=*/true, build));
}

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& x, const Conditioning& c) {
  const torch::Tensor first = norm1(x);
  // The reference hands its context mask to the second attention only.
  torch::Tensor h = x + attn1(first, only_cross_attention_ ? c.context : first, torch::Tensor());
  h = h + attn2(norm2(h), c.context, c.context_mask);
  const auto gated = ff_in(norm3(h)).chunk(2, -1);  // value | gate
  return h + ff_out(gated[0] * at::gelu(gated[1]));
}

SpatialTransformerImpl::SpatialTransformerImpl(int64_t channels, const TransformerOptions& options,
                                               const nn::Build& build) {
  const int64_t width = options.num_heads * (channels / options.num_heads);
  norm =
      register_module("norm", nn::GroupNorm(options.norm_groups, channels, kGroupNormEps, build));
  if (options.linear_projection) {
    linear_in_ = register_module("proj_in", nn::Linear(channels, width, /*bias=*/true, build));
    linear_out_ = register_module("proj_out", nn::Linear(width, channels, /*bias=*/true, build));
  } else {
    conv_in_ =
        register_module("proj_in", nn::Conv2d(channels, width, 1, 1, 0, /*bias=*/true, build));
    conv_out_ =
        register_module("proj_out", nn::Conv2d(width, channels, 1, 1, 0, /*bias=*/true, build));
  }
  for (int64_t i = 0; i < options.num_layers; ++i) {
    blocks_.push_back(
        register_at(*this, str("transformer_blocks.", i), TransformerBlock(width, options, build)));
  }
}

torch::Tensor SpatialTransformerImpl::forward(const torch::Tensor& x, const Conditioning& c) {
  torch::Tensor h = norm(x);
  if (conv_in_) h = conv_in_(h);
  h = h.flatten(2).transpose(1, 2);
  if (linear_in_) h = linear_in_(h);
  for (auto& block : blocks_) h = block(h, c);
  if (linear_out_) h = linear_out_(h);
  h = h.transpose(1, 2).reshape({x.size(0), h.size(2), x.size(2), x.size(3)});
  if (conv_out_) h = conv_out_(h);
  return h + x;
}

}  // namespace reasonbrain::models::unet
