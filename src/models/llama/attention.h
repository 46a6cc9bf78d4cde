// LLaMA's self-attention: transformers' LlamaAttention, parameter names included.
// Legend: B batch, T positions, D hidden_size, H heads, d head width.
#pragma once

#include <vector>

#include "models/llama/config.h"
#include "models/llama/layer_hook.h"
#include "nn/linear.h"
#include "nn/module.h"

namespace reasonbrain::models::llama {

// Keys and values of the positions already seen, so that a text can go on one token at a time.
struct KvCache {
  std::vector<torch::Tensor> keys, values;  // by layer: [B, H_kv, K, d], keys after RoPE
  int64_t length() const { return keys.empty() ? 0 : keys.front().size(2); }
};

// What one forward pass shares between its layers.
struct PassContext {
  torch::Tensor cos, sin;  // float32 [B or 1, T, d]
  torch::Tensor mask;      // additive [B, 1, T, K]; undefined: causal without padding
  int64_t num_asking = 0;  // only the last A positions ask and go on; 0: all
  LayerHook* hook = nullptr;
  KvCache* cache = nullptr;
};

class AttentionImpl : public nn::Module {
 public:
  AttentionImpl(const LlamaConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states,  // [B, T, D] -> [B, A, D]
                        const PassContext& pass, int64_t layer);

  nn::Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, o_proj{nullptr};

 private:
  int64_t num_heads_, num_kv_heads_;
};
TORCH_MODULE(Attention);

// The last positions [B, A, ...] of [B, T, ...], T itself where A is 0.
torch::Tensor asking(const torch::Tensor& x, int64_t num_asking, int64_t dim = 1);

// Additive mask [B, 1, T, K] of causal attention of the last T of K positions among the keys that
// `key_mask` leaves. Rows that may see nothing hold the lowest value throughout and stay finite
// after the softmax.
torch::Tensor causal_mask(int64_t length, const torch::Tensor& key_mask,  // additive [B, 1, 1, K]
                          const torch::TensorOptions& options);

}  // namespace reasonbrain::models::llama
