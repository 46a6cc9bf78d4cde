// What may look into LLaMA's attention and steer it: token selection and the explanation of an
// edit.
#pragma once

#include <torch/types.h>

namespace reasonbrain::models::llama {

// Asked by each layer in turn, before its attention: layer 0 first. B batch, H heads, T positions.
class LayerHook {
 public:
  virtual ~LayerHook() = default;

  // Additive mask over keys [B, 1, 1, T] (or [1, 1, 1, T]); undefined: none. Keys at the dtype's
  // lowest value are invisible to every query of this layer.
  virtual torch::Tensor key_mask(int64_t /*layer*/) { return {}; }

  // The layer's queries [B, H, T, d] and keys [B, H_kv, T, d] after RoPE, shown before head_scale.
  virtual void see_query_key(int64_t /*layer*/, const torch::Tensor& /*query*/,
                             const torch::Tensor& /*key*/) {}

  // Factors on the queries of each head, [H] or [B, H]; undefined: 1.
  virtual torch::Tensor head_scale(int64_t /*layer*/) { return {}; }

  // Positions int64 [R] whose attention is wanted; undefined: none.
  virtual torch::Tensor wanted_rows(int64_t /*layer*/) { return {}; }

  // Their attention weights, float32 [B, H, R, T], without gradient.
  virtual void take_rows(int64_t /*layer*/, const torch::Tensor& /*weights*/) {}

  // Asked behind each layer: ascending positions int64 [B, T'] that the layers above still see, at
  // their old places in RoPE; undefined: all. From there on T is T', for the hook as well.
  virtual torch::Tensor kept_positions(int64_t /*layer*/) { return {}; }
};

}  // namespace reasonbrain::models::llama
