// CLIP's text tower (Radford et al. 2021): transformers' CLIPTextModel and
// CLIPTextModelWithProjection. Legend: B batch, T tokens, W hidden_size, P projection_dim.
#pragma once

#include <vector>

#include "models/clip/encoder.h"
#include "nn/embedding.h"

namespace reasonbrain::models::clip {

class TextEmbeddingsImpl : public nn::Module {
 public:
  TextEmbeddingsImpl(const TextConfig& config, const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& input_ids);  // int64 [B, T] -> [B, T, W]

  nn::Embedding token_embedding{nullptr}, position_embedding{nullptr};
};
TORCH_MODULE(TextEmbeddings);

class TextTransformerImpl : public nn::Module {
 public:
  TextTransformerImpl(const TextConfig& config, const nn::Build& build);

  TextEmbeddings embeddings{nullptr};
  Encoder encoder{nullptr};
  nn::LayerNorm final_layer_norm{nullptr};
};
TORCH_MODULE(TextTransformer);

struct TextOutput {
  std::vector<torch::Tensor>
      hidden_states;                // num_hidden_layers + 1 of [B, T, W], before the last norm
  torch::Tensor last_hidden_state;  // [B, T, W], after the last norm
  torch::Tensor pooler_output;      // [B, W], last_hidden_state at the end of text
  torch::Tensor text_embeds;        // [B, P]; undefined without projection
};

class TextModelImpl : public nn::Module {
 public:
  TextModelImpl(const TextConfig& config, bool with_projection, const nn::Build& build);

  // Causal. Error(kData) for a text longer than max_position_embeddings.
  TextOutput forward(
      const torch::Tensor& input_ids,             // int64 [B, T]
      const torch::Tensor& attention_mask = {});  // [B, T], nonzero = a token; or undefined

  const TextConfig& config() const { return config_; }
  bool has_projection() const { return !text_projection.is_empty(); }

  TextTransformer text_model{nullptr};
  nn::Linear text_projection{nullptr};  // empty without projection

 private:
  torch::Tensor end_positions(const torch::Tensor& input_ids) const;  // int64 [B, T] -> [B]

  TextConfig config_;
};
TORCH_MODULE(TextModel);

}  // namespace reasonbrain::models::clip
