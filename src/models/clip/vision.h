// CLIP's image tower (Radford et al. 2021): transformers' CLIPVisionModel and
// CLIPVisionModelWithProjection.
// Legend: B batch, C channels, S image_size, N = grid^2 patches, W hidden_size, P projection_dim.
#pragma once

#include <vector>

#include "models/clip/encoder.h"
#include "nn/conv.h"
#include "nn/embedding.h"

namespace reasonbrain::models::clip {

class VisionEmbeddingsImpl : public nn::Module {
 public:
  VisionEmbeddingsImpl(const VisionConfig& config, const nn::Build& build);

  // Error(kData) when the picture is not of the configured size.
  torch::Tensor forward(const torch::Tensor& pixel_values);  // [B, C, S, S] -> [B, 1 + N, W]

  torch::Tensor class_embedding;  // [W]
  nn::Conv2d patch_embedding{nullptr};
  nn::Embedding position_embedding{nullptr};

 private:
  int64_t num_channels_, image_size_;
};
TORCH_MODULE(VisionEmbeddings);

class VisionTransformerImpl : public nn::Module {
 public:
  VisionTransformerImpl(const VisionConfig& config, const nn::Build& build);

  VisionEmbeddings embeddings{nullptr};
  nn::LayerNorm pre_layrnorm{nullptr};  // the reference's spelling
  Encoder encoder{nullptr};
  nn::LayerNorm post_layernorm{nullptr};
};
TORCH_MODULE(VisionTransformer);

struct VisionOutput {
  std::vector<torch::Tensor>
      hidden_states;                // num_hidden_layers + 1 of [B, 1 + N, W]; the class token first
  torch::Tensor last_hidden_state;  // [B, 1 + N, W], before the last norm
  torch::Tensor pooler_output;      // [B, W], normed class token
  torch::Tensor image_embeds;       // [B, P]; undefined without projection
};

class VisionModelImpl : public nn::Module {
 public:
  VisionModelImpl(const VisionConfig& config, bool with_projection, const nn::Build& build);

  VisionOutput forward(const torch::Tensor& pixel_values);  // [B, C, S, S], normalised

  // States 0 (embeddings after pre_layrnorm) to num_layers, without running the layers above.
  std::vector<torch::Tensor> hidden_states(const torch::Tensor& pixel_values,  // [B, C, S, S]
                                           int64_t num_layers);

  const VisionConfig& config() const { return config_; }
  bool has_projection() const { return !visual_projection.is_empty(); }

  VisionTransformer vision_model{nullptr};
  nn::Linear visual_projection{nullptr};  // empty without projection

 private:
  VisionConfig config_;
};
TORCH_MODULE(VisionModel);

}  // namespace reasonbrain::models::clip
