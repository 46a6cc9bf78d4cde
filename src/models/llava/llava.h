// LLaVA (Liu et al. 2023): CLIP's image tower, a projector and LLaMA; transformers'
// LlavaForConditionalGeneration and the original LlavaLlamaForCausalLM. Parameters carry the names
// of the published files.
//
// Legend: B batch, T text positions, I pictures, N features of a picture, D the language model's
// width, V vocab_size.
#pragma once

#include "models/clip/vision.h"
#include "models/llama/llama.h"
#include "models/llava/config.h"

namespace reasonbrain::models::llava {

class ProjectorImpl : public nn::Module {
 public:
  ProjectorImpl(const LlavaConfig& config, const nn::Build& build);
  torch::Tensor forward(torch::Tensor features);  // [I, N, layers * W] -> [I, N, D]

 private:
  std::vector<nn::Linear> linears_;  // linear_1, linear_2, ...
  nn::Activation activation_;
};
TORCH_MODULE(Projector);

// What the language model reads.
struct Sequence {
  torch::Tensor embeddings;      // [B, T', D]
  torch::Tensor attention_mask;  // [B, T']; undefined: all
};

class LlavaImpl : public nn::Module {
 public:
  // With a tower given, `config.vision` must be its configuration.
  LlavaImpl(const LlavaConfig& config, const nn::Build& build,
            clip::VisionModel vision_tower = nullptr);

  torch::Tensor image_features(const torch::Tensor& pixel_values);  // [I, C, S, S] -> [I, N, D]

  // Features take the places of the image tokens in the order of both. In the original layout a
  // token becomes N positions, masked text is left out and shorter sequences are filled with zeros.
  // Without pictures text and mask stay as they are. Error(kData) when tokens and pictures do not
  // fit together.
  Sequence sequence(const torch::Tensor& input_ids,        // int64 [B, T]
                    const torch::Tensor& features,         // [I, N, D]; undefined: no picture
                    const torch::Tensor& attention_mask);  // [B, T], nonzero = kept; or undefined

  torch::Tensor forward(const torch::Tensor& input_ids,             // int64 [B, T]
                        const torch::Tensor& pixel_values = {},     // [I, C, S, S]
                        const torch::Tensor& attention_mask = {});  // [B, T] -> [B, T', V]

  const LlavaConfig& config() const { return config_; }

  llama::Llama language_model{nullptr};
  clip::VisionModel vision_tower{nullptr};
  Projector multi_modal_projector{nullptr};

 private:
  Sequence expanded(const torch::Tensor& input_ids, const torch::Tensor& features,
                    const torch::Tensor& attention_mask);

  LlavaConfig config_;
};
TORCH_MODULE(Llava);

}  // namespace reasonbrain::models::llava
