// SAM's prompt encoder: transformers' SamPromptEncoder.
// Legend: B batch, P prompts per picture, N points per prompt, C hidden_size, g patches a side.
#pragma once

#include <vector>

#include "models/sam/blocks.h"
#include "models/sam/config.h"
#include "nn/conv.h"
#include "nn/embedding.h"

namespace reasonbrain::models::sam {

// Random Fourier features of places in the unit square (Tancik et al. 2020).
class PositionsImpl : public nn::Module {
 public:
  PositionsImpl(const VisionConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& places);  // (x, y) in [0, 1], [..., 2] -> [..., C]

  // Of the centres of g x g cells: [1, C, g, g].
  torch::Tensor of_grid(int64_t grid);

  torch::Tensor positional_embedding;  // [2, C / 2]
};
TORCH_MODULE(Positions);

// A mask given as a prompt, at four cells a patch.
class MaskEmbeddingImpl : public nn::Module {
 public:
  MaskEmbeddingImpl(const PromptConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& masks);  // [B, 1, 4 g, 4 g] -> [B, C, g, g]

  nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
  MapNorm layer_norm1{nullptr}, layer_norm2{nullptr};

 private:
  nn::Activation activation_;
  int64_t channels_;
};
TORCH_MODULE(MaskEmbedding);

// Labels of points.
constexpr int64_t kBackground = 0, kForeground = 1;
constexpr int64_t kNotAPoint = -1;  // learned padding
constexpr int64_t kIgnored = -10;   // the token is zero

struct Prompts {
  torch::Tensor points;  // [B, P, N, 2] pixels of the encoder's picture; or undefined
  torch::Tensor labels;  // int64 [B, P, N]; undefined: all kForeground
  torch::Tensor boxes;   // [B, P, 4] x0, y0, x1, y1; or undefined
  torch::Tensor masks;   // [B, 1, 4 g, 4 g] logits; or undefined
};

struct PromptTokens {
  torch::Tensor sparse;  // [B, P, T, C]; undefined without points and boxes
  torch::Tensor dense;   // [B or 1, C, 1 or g, 1 or g], added to the picture's embedding
};

class PromptEncoderImpl : public nn::Module {
 public:
  PromptEncoderImpl(const PromptConfig& config, const nn::Build& build);

  // `positions` is the picture's own table, which prompts share. Error(kData) for shapes that do
  // not fit.
  PromptTokens forward(const Prompts& prompts, Positions& positions);

  MaskEmbedding mask_embed{nullptr};
  nn::Embedding no_mask_embed{nullptr}, not_a_point_embed{nullptr};
  torch::nn::ModuleList point_embed;

 private:
  torch::Tensor kind(size_t index);  // [C]
  torch::Tensor embed_points(const Prompts& prompts, Positions& positions);
  torch::Tensor embed_boxes(const torch::Tensor& boxes, Positions& positions);

  PromptConfig config_;
};
TORCH_MODULE(PromptEncoder);

}  // namespace reasonbrain::models::sam
