#include "reason/blocks.h"

#include "nn/attention.h"

namespace reasonbrain::reason {

AttentionImpl::AttentionImpl(int64_t width, int64_t num_heads, const nn::Build& build)
    : num_heads_(num_heads),
      q_proj_(register_module("q_proj", nn::Linear(width, width, /*bias=*/true, build))),
      k_proj_(register_module("k_proj", nn::Linear(width, width, /*bias=*/true, build))),
      v_proj_(register_module("v_proj", nn::Linear(width, width, /*bias=*/true, build))),
      out_proj_(register_module("out_proj", nn::Linear(width, width, /*bias=*/true, build))) {}

torch::Tensor AttentionImpl::forward(const torch::Tensor& query, const torch::Tensor& key,
                                     const torch::Tensor& keep) {
  const torch::Tensor mask =
      keep.defined() ? nn::additive_key_mask(keep, query.scalar_type()) : torch::Tensor();
  return out_proj_(nn::merge_heads(nn::attention(nn::split_heads(q_proj_(query), num_heads_),
                                                 nn::split_heads(k_proj_(key), num_heads_),
                                                 nn::split_heads(v_proj_(key), num_heads_), mask)));
}

CrossAttentionImpl::CrossAttentionImpl(int64_t width, int64_t num_heads, const nn::Build& build)
    : norm_query_(register_module("norm_query", nn::LayerNorm(width, 1e-5, build))),
      norm_key_(register_module("norm_key", nn::LayerNorm(width, 1e-5, build))),
      attention_(register_module("attention", Attention(width, num_heads, build))) {}

torch::Tensor CrossAttentionImpl::forward(const torch::Tensor& query, const torch::Tensor& key,
                                          const torch::Tensor& keep) {
  return query + attention_(norm_query_(query), norm_key_(key), keep);
}

FeedForwardImpl::FeedForwardImpl(int64_t width, const nn::Build& build)
    : norm_(register_module("norm", nn::LayerNorm(width, 1e-5, build))),
      fc1_(register_module("fc1", nn::Linear(width, 4 * width, /*bias=*/true, build))),
      fc2_(register_module("fc2", nn::Linear(4 * width, width, /*bias=*/true, build))) {}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  return x + fc2_(at::gelu(fc1_(norm_(x))));
}

TransformerLayerImpl::TransformerLayerImpl(int64_t width, int64_t num_heads, const nn::Build& build)
    : norm_(register_module("norm", nn::LayerNorm(width, 1e-5, build))),
      attention_(register_module("attention", Attention(width, num_heads, build))),
      feed_forward_(register_module("feed_forward", FeedForward(width, build))) {}

torch::Tensor TransformerLayerImpl::forward(const torch::Tensor& x, const torch::Tensor& keep) {
  const torch::Tensor normed = norm_(x);
  return feed_forward_(x + attention_(normed, normed, keep));
}

}  // namespace reasonbrain::reason
