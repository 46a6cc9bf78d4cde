// LLaMA's self-attention: transformers' LlamaAttention, parameter names included.
// Legend: B batch, T positions, D hidden_size, H heads, d head width.
#pragma once

#include "models/llama/config.h"
#include "models/llama/layer_hook.h"
#include "nn/linear.h"
#include "nn/module.h"

namespace reasonbrain::models::llama {

// What one forward pass shares between its layers.
struct PassContext {
  torch::Tensor cos, sin;  // float32 [B or 1, T, d]
  torch::Tensor mask;      // additive [B, 1, T, T]; undefined: causal without padding
  LayerHook* hook = nullptr;
};

class AttentionImpl : public nn::Module {
 public:
  AttentionImpl(const LlamaConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states,  // [B, T, D] -> same
                        const PassContext& pass, int64_t layer);

  nn::Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, o_proj{nullptr};

 private:
  int64_t num_heads_, num_kv_heads_;
};
TORCH_MODULE(Attention);

// Additive mask [B, 1, T, T] of causal attention among the keys that `keep` [B, T] marks. Rows that
// may see nothing hold the lowest value throughout and stay finite after the softmax.
torch::Tensor causal_mask(int64_t length, const torch::Tensor& key_mask,  // additive [B, 1, 1, T]
                          const torch::TensorOptions& options);

}  // namespace reasonbrain::models::llama
