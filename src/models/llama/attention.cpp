#include "models/llama/attention.h"

#include "nn/attention.h"
#include "nn/rope.h"

namespace reasonbrain::models::llama {
namespace {

// The pass's mask and the hook's, joined; undefined when plain causal attention is meant.
torch::Tensor layer_mask(const PassContext& pass, int64_t layer, const torch::Tensor& query,
                         int64_t num_keys) {
  const torch::Tensor key_mask = pass.hook ? pass.hook->key_mask(layer) : torch::Tensor();
  const int64_t length = query.size(2);
  const torch::Tensor mask =
      pass.mask.defined() ? asking(pass.mask, pass.num_asking, /*dim=*/2) : pass.mask;
  if (!key_mask.defined()) {
    if (mask.defined() || length == num_keys || length == 1) return mask;
    return nn::additive_causal_mask(length, num_keys, query.options());
  }
  const torch::Tensor hooked = key_mask.to(query.scalar_type());
  if (mask.defined()) return at::minimum(mask, hooked);
  return causal_mask(length, hooked, query.options());
}

void report_rows(LayerHook& hook, int64_t layer, const torch::Tensor& query,
                 const torch::Tensor& key, torch::Tensor mask) {
  const torch::Tensor rows = hook.wanted_rows(layer);
  if (!rows.defined()) return;
  torch::NoGradGuard no_grad;
  if (!mask.defined()) mask = nn::additive_causal_mask(query.size(2), key.size(2), query.options());
  hook.take_rows(
      layer, nn::attention_weights(query.index_select(2, rows), key, mask.index_select(2, rows)));
}

// Joins the layer's new keys and values to those of the cache; both become all of them.
void append(KvCache& cache, int64_t layer, torch::Tensor& key, torch::Tensor& value) {
  const auto index = static_cast<size_t>(layer);
  if (index == cache.keys.size()) {
    cache.keys.push_back(key);
    cache.values.push_back(value);
    return;
  }
  cache.keys[index] = key = at::cat({cache.keys[index], key}, 2);
  cache.values[index] = value = at::cat({cache.values[index], value}, 2);
}

}  // namespace

torch::Tensor asking(const torch::Tensor& x, int64_t num_asking, int64_t dim) {
  return num_asking == 0 ? x : x.narrow(dim, x.size(dim) - num_asking, num_asking);
}

torch::Tensor causal_mask(int64_t length, const torch::Tensor& key_mask,
                          const torch::TensorOptions& options) {
  return at::minimum(nn::additive_causal_mask(length, key_mask.size(3), options), key_mask);
}

AttentionImpl::AttentionImpl(const LlamaConfig& config, const nn::Build& build)
    : num_heads_(config.num_attention_heads), num_kv_heads_(config.kv_heads()) {
  const int64_t width = config.hidden_size;
  const int64_t query_width = num_heads_ * config.head_width();
  const int64_t key_width = num_kv_heads_ * config.head_width();
  const bool bias = config.attention_bias;
  q_proj = register_module("q_proj", nn::Linear(width, query_width, bias, build));
  k_proj = register_module("k_proj", nn::Linear(width, key_width, bias, build));
  v_proj = register_module("v_proj", nn::Linear(width, key_width, bias, build));
  o_proj = register_module("o_proj", nn::Linear(query_width, width, bias, build));
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& states, const PassContext& pass,
                                     int64_t layer) {
  const auto last = [&](const torch::Tensor& x) { return asking(x, pass.num_asking); };
  torch::Tensor query = nn::apply_rope(nn::split_heads(q_proj(last(states)), num_heads_),
                                       last(pass.cos), last(pass.sin));
  torch::Tensor key =
      nn::apply_rope(nn::split_heads(k_proj(states), num_kv_heads_), pass.cos, pass.sin);
  torch::Tensor value = nn::split_heads(v_proj(states), num_kv_heads_);
  if (pass.cache) append(*pass.cache, layer, key, value);
  const torch::Tensor mask = layer_mask(pass, layer, query, key.size(2));
  if (pass.hook) {
    pass.hook->see_query_key(layer, query, key);
    const torch::Tensor scale = pass.hook->head_scale(layer);
    if (scale.defined()) query = query * scale.to(query.scalar_type()).view({-1, num_heads_, 1, 1});
    report_rows(*pass.hook, layer, query, key, mask);
  }
  const bool causal = !mask.defined() && query.size(2) == key.size(2);
  return o_proj(nn::merge_heads(nn::attention(query, key, value, mask, causal)));
}

}  // namespace reasonbrain::models::llama
