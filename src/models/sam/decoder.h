// SAM's mask decoder: transformers' SamMaskDecoder.
// Legend: R = batch * prompts, T tokens (1 for the rating, 1 + M for masks, the prompt's), N = g *
// g cells of the picture's embedding, C hidden_size, M num_multimask_outputs.
#pragma once

#include "models/sam/blocks.h"
#include "models/sam/config.h"
#include "nn/embedding.h"

namespace reasonbrain::models::sam {

class TwoWayAttentionImpl : public nn::Module {
 public:
  TwoWayAttentionImpl(const DecoderConfig& config, int64_t downsample_rate, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& query,   // [R, Q, C] -> same
                        const torch::Tensor& key,     // [R, K, C]
                        const torch::Tensor& value);  // [R, K, C]

  nn::Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, out_proj{nullptr};

 private:
  int64_t num_heads_;
};
TORCH_MODULE(TwoWayAttention);

// Tokens and cells, and what is added to them wherever places matter.
struct TwoWayState {
  torch::Tensor tokens;           // [R, T, C]
  torch::Tensor cells;            // [R, N, C]
  torch::Tensor token_positions;  // [R, T, C], the tokens as they began
  torch::Tensor cell_positions;   // [1, N, C]
};

class TwoWayLayerImpl : public nn::Module {
 public:
  TwoWayLayerImpl(const DecoderConfig& config, bool first, const nn::Build& build);
  void forward(TwoWayState& state);

  TwoWayAttention self_attn{nullptr}, cross_attn_token_to_image{nullptr},
      cross_attn_image_to_token{nullptr};
  nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr}, layer_norm3{nullptr},
      layer_norm4{nullptr};
  Mlp mlp{nullptr};

 private:
  bool first_;
};
TORCH_MODULE(TwoWayLayer);

struct Masks {
  torch::Tensor iou_scores;  // [B, P, M], the model's guess of each mask's quality
  torch::Tensor pred_masks;  // [B, P, M, 4 g, 4 g] logits
};

class MaskDecoderImpl : public nn::Module {
 public:
  MaskDecoderImpl(const DecoderConfig& config, const nn::Build& build);

  // The masks for an ambiguous prompt; without `sparse` tokens there is one prompt a picture.
  Masks forward(const torch::Tensor& image,           // [B, C, g, g], dense tokens added
                const torch::Tensor& cell_positions,  // [1, C, g, g]
                const torch::Tensor& sparse);         // [B, P, tokens, C] or undefined

 private:
  torch::Tensor upscale(const torch::Tensor& cells, int64_t grid);  // [R, N, C] -> [R, C / 8, 16 N]

  DecoderConfig config_;
  nn::Embedding iou_token_{nullptr}, mask_tokens_{nullptr};
  torch::nn::ModuleList layers_, hyper_mlps_;
  TwoWayAttention final_attention_{nullptr};
  nn::LayerNorm final_norm_{nullptr};
  UpConv upscale_conv1_{nullptr}, upscale_conv2_{nullptr};
  MapNorm upscale_norm_{nullptr};
  FeedForward iou_head_{nullptr};
};
TORCH_MODULE(MaskDecoder);

}  // namespace reasonbrain::models::sam
