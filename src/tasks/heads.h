// Modules that help training and are not part of the saved model.
#pragma once

#include "nn/embedding.h"
#include "reason/blocks.h"

namespace reasonbrain::tasks {

// Reads attribute words from region and object tokens: one linear layer for all slots.
class LabelHeadsImpl : public nn::Module {
 public:
  LabelHeadsImpl(int64_t width, std::vector<int64_t> words_per_slot, const nn::Build& build);

  // Cross-entropy summed over the labels that are not -1.
  torch::Tensor loss_sum(const torch::Tensor& regions,         // [B, K, d]
                         const torch::Tensor& region_labels);  // int64 [B, K, L]
  torch::Tensor object_loss_sum(const torch::Tensor& objects, const torch::Tensor& object_labels);

 private:
  torch::Tensor score(nn::Linear& head, const torch::Tensor& tokens, const torch::Tensor& labels);

  std::vector<int64_t> words_per_slot_;
  nn::Linear regions_ = nullptr, objects_ = nullptr;
};
TORCH_MODULE(LabelHeads);

// The painter stage's stand-in for a pretrained text encoder: the answer's words as context of the
// denoiser.
class AnswerEncoderImpl : public nn::Module {
 public:
  AnswerEncoderImpl(int64_t vocabulary, int64_t num_words, int64_t width, int64_t num_heads,
                    const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& ids);  // int64 [B, r] -> [B, r, d]

 private:
  nn::Embedding words_, positions_;
  reason::TransformerLayer layer_;
  nn::LayerNorm norm_;
};
TORCH_MODULE(AnswerEncoder);

}  // namespace reasonbrain::tasks
