// The transformer that both CLIP towers share: transformers' CLIPEncoder, parameter names included.
// Legend: B batch, T positions, W hidden_size.
#pragma once

#include <torch/nn/modules/container/modulelist.h>

#include <vector>

#include "models/clip/config.h"
#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/norm.h"

namespace reasonbrain::models::clip {

// Which keys a query sees: `additive` broadcasts to [B, heads, T, T]; or undefined with `causal`.
struct Mask {
  torch::Tensor additive;
  bool causal = false;
};

class AttentionImpl : public nn::Module {
 public:
  AttentionImpl(const TowerConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states,  // [B, T, W] -> same
                        const Mask& mask);

  nn::Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, out_proj{nullptr};

 private:
  int64_t num_heads_;
};
TORCH_MODULE(Attention);

class MlpImpl : public nn::Module {
 public:
  MlpImpl(const TowerConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states);  // [B, T, W] -> same

  nn::Linear fc1{nullptr}, fc2{nullptr};

 private:
  nn::Activation activation_;
};
TORCH_MODULE(Mlp);

class EncoderLayerImpl : public nn::Module {
 public:
  EncoderLayerImpl(const TowerConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& states,  // [B, T, W] -> same
                        const Mask& mask);

  Attention self_attn{nullptr};
  nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr};
  Mlp mlp{nullptr};
};
TORCH_MODULE(EncoderLayer);

class EncoderImpl : public nn::Module {
 public:
  EncoderImpl(const TowerConfig& config, const nn::Build& build);

  // The states before layer 0, 1, ... and after layer num_layers - 1: num_layers + 1 tensors [B, T,
  // W].
  std::vector<torch::Tensor> forward(const torch::Tensor& embeddings,  // [B, T, W]
                                     const Mask& mask, int64_t num_layers);

  torch::nn::ModuleList layers;
};
TORCH_MODULE(Encoder);

}  // namespace reasonbrain::models::clip
