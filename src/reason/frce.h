// Fine-grained reasoning cue extraction (paper section 4.1): multi-scale features, patch and region
// branch, and the ID Controller of the textual branch.
//
// Legend: B batch, N patches (g x g), K regions, n_o objects, d width, d_v CLIP vision width, d_t
// text width.
#pragma once

#include "reason/blocks.h"
#include "reason/inputs.h"
#include "reason/options.h"

namespace reasonbrain::reason {

struct Cues {
  torch::Tensor features;  // F [B, N, d]: always there, whatever branches are off
  torch::Tensor visual;    // R_V [B, M, d] (patch tokens, region tokens, null region) or undefined
  torch::Tensor visual_keep;  // bool [B, M]
  torch::Tensor
      regions;  // the region part of R_V [B, K + 1, d] or undefined; the last is the null region
  torch::Tensor objects;       // R_T [B, n_o + 1, d]; the last is the null object
  torch::Tensor objects_keep;  // bool [B, n_o + 1]
};

class FrceImpl : public nn::Module {
 public:
  FrceImpl(const ReasonOptions& options, int64_t vision_width, int64_t text_width,
           const nn::Build& build);
  Cues forward(const Inputs& inputs);

 private:
  torch::Tensor multi_scale(const std::vector<torch::Tensor>& scales);  // P: -> F [B, N, d]
  torch::Tensor region_features(const torch::Tensor& features,          // F -> [B, N, d or d_v]
                                const Inputs& inputs) const;
  torch::Tensor region_tokens(const torch::Tensor& features, const Inputs& inputs,
                              const torch::Tensor& keep);

  ReasonOptions options_;
  std::vector<nn::Linear> scale_proj_;
  std::vector<TransformerLayer> patch_layers_, region_layers_;
  CrossAttention id_cross_ = nullptr;
  FeedForward id_ff_ = nullptr;
  torch::Tensor scale_embedding_;  // [S, d]
  nn::LayerNorm patch_norm_ = nullptr, region_norm_ = nullptr, id_norm_ = nullptr;
  nn::Linear region_proj_ = nullptr, geometry_proj_ = nullptr, object_proj_ = nullptr;
  torch::Tensor null_region_;  // [d]
  torch::Tensor null_object_;  // [d]
};
TORCH_MODULE(Frce);

// Fixed 2-D sine-cosine positions [side * side, width], rows first; width is a multiple of 4.
torch::Tensor grid_positions(int64_t side, int64_t width, const torch::TensorOptions& options);

}  // namespace reasonbrain::reason
