// LLaMA (Touvron et al. 2023): transformers' LlamaForCausalLM, parameter names included.
// Legend: B batch, T positions, D hidden_size, V vocab_size.
#pragma once

#include <torch/nn/modules/container/modulelist.h>

#include <vector>

#include "models/llama/attention.h"
#include "models/llama/config.h"
#include "models/llama/layer_hook.h"
#include "nn/activation.h"
#include "nn/embedding.h"
#include "nn/norm.h"

namespace reasonbrain::models::llama {

class MlpImpl : public nn::Module {
 public:
  MlpImpl(const LlamaConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states);  // [B, T, D] -> same

  nn::Linear gate_proj{nullptr}, up_proj{nullptr}, down_proj{nullptr};

 private:
  nn::Activation activation_;
};
TORCH_MODULE(Mlp);

class DecoderLayerImpl : public nn::Module {
 public:
  DecoderLayerImpl(const LlamaConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states,  // [B, T, D] -> [B, A, D]
                        const PassContext& pass, int64_t layer);

  Attention self_attn{nullptr};
  Mlp mlp{nullptr};
  nn::RMSNorm input_layernorm{nullptr}, post_attention_layernorm{nullptr};
};
TORCH_MODULE(DecoderLayer);

class DecoderImpl : public nn::Module {
 public:
  DecoderImpl(const LlamaConfig& config, const nn::Build& build);

  nn::Embedding embed_tokens{nullptr};
  torch::nn::ModuleList layers;
  nn::RMSNorm norm{nullptr};
};
TORCH_MODULE(Decoder);

struct LlamaOutput {
  torch::Tensor last_hidden_state;  // [B, T or num_wanted, D], after the final norm
  std::vector<torch::Tensor>
      hidden_states;  // when kept: embeddings, layers 0 to L-2, last_hidden_state
};

class LlamaImpl : public nn::Module {
 public:
  // Weights and embeddings start from N(0, initializer_range), biases from zero.
  LlamaImpl(const LlamaConfig& config, const nn::Build& build);

  torch::Tensor embed(const torch::Tensor& input_ids);  // int64 [B, T] -> [B, T, D]

  // Causal. Outputs at positions that may see nothing (left padding) are finite and mean nothing;
  // padding changes nothing elsewhere. `hook` may be null and must outlive the call.
  // With a cache of P positions the inputs stand behind these and join them; the mask covers all
  // P + T, and a hook may not drop positions.
  // With num_wanted only the last so many positions are returned, and without a hook the last layer
  // computes no others: nothing reads them.
  LlamaOutput forward(
      const torch::Tensor& inputs_embeds,        // [B, T, D]
      const torch::Tensor& attention_mask = {},  // [B, P + T], nonzero = kept; undefined: all
      const torch::Tensor& position_ids = {},    // int64 [B or 1, T]; undefined: P to P+T-1
      LayerHook* hook = nullptr, bool keep_hidden_states = false, KvCache* cache = nullptr,
      int64_t num_wanted = 0);  // 0: all

  // Logits of the states that are wanted.
  torch::Tensor head(const torch::Tensor& states);  // [..., D], after the final norm -> [..., V]

  const LlamaConfig& config() const { return config_; }

  Decoder model{nullptr};
  nn::Linear lm_head{nullptr};  // empty when the embedding table is tied

 private:
  PassContext begin_pass(const torch::Tensor& inputs_embeds, const torch::Tensor& attention_mask,
                         const torch::Tensor& position_ids, KvCache* cache) const;

  LlamaConfig config_;
};
TORCH_MODULE(Llama);

}  // namespace reasonbrain::models::llama
