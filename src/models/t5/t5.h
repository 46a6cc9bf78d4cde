// The encoder of T5 (Raffel et al. 2020): transformers' T5EncoderModel, v1 and v1.1.
// Legend: B batch, T tokens, W d_model, H num_heads, D d_kv.
#pragma once

#include <vector>

#include "models/t5/config.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace reasonbrain::models::t5 {

// Row of the table of relative positions for key minus query, both ways: int64 [T, T] -> same.
torch::Tensor relative_buckets(const torch::Tensor& distance, int64_t num_buckets,
                               int64_t max_distance);

class LayerImpl : public nn::Module {
 public:
  LayerImpl(const T5Config& config, bool has_positions, const nn::Build& build);

  torch::Tensor forward(const torch::Tensor& states,  // [B, T, W] -> same
                        const torch::Tensor& bias);   // additive [1 or B, H, T, T]

  nn::Embedding relative_attention_bias{nullptr};  // [num_buckets, H]; only the first layer has one

 private:
  torch::Tensor attend(const torch::Tensor& states, const torch::Tensor& bias);
  torch::Tensor feed_forward(const torch::Tensor& states);

  int64_t num_heads_;
  nn::Activation activation_;
  nn::RMSNorm attention_norm_{nullptr}, feed_forward_norm_{nullptr};
  nn::Linear q_{nullptr}, k_{nullptr}, v_{nullptr}, o_{nullptr};
  nn::Linear wi_{nullptr}, gate_{nullptr}, wo_{nullptr};  // gate is empty unless gated
};
TORCH_MODULE(Layer);

class T5EncoderImpl : public nn::Module {
 public:
  T5EncoderImpl(const T5Config& config, const nn::Build& build);

  // -> last_hidden_state [B, T, W], after the last norm. Padding is computed too, as the reference
  // does.
  torch::Tensor forward(const torch::Tensor& input_ids,             // int64 [B, T]
                        const torch::Tensor& attention_mask = {});  // [B, T], nonzero = read

  const T5Config& config() const { return config_; }

  nn::Embedding shared{nullptr};  // the token table

 private:
  torch::Tensor position_bias(int64_t length);  // -> [1, H, T, T]

  T5Config config_;
  std::vector<Layer> layers_;
  nn::RMSNorm final_norm_{nullptr};
};
TORCH_MODULE(T5Encoder);

}  // namespace reasonbrain::models::t5
