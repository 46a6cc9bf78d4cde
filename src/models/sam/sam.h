// SAM, the Segment Anything Model (Kirillov et al. 2023): transformers' SamModel.
// Legend: B batch, P prompts per picture, M masks per prompt, C width of prompts and decoder,
// S image_size, g patches a side.
#pragma once

#include "models/sam/decoder.h"
#include "models/sam/prompt.h"
#include "models/sam/vision.h"

namespace reasonbrain::models::sam {

class SamImpl : public nn::Module {
 public:
  // `tied`: prompts share the picture's table of positions, else they have one of their own.
  SamImpl(const SamConfig& config, bool tied, const nn::Build& build);

  torch::Tensor encode(const torch::Tensor& pixel_values);  // [B, 3, S, S] -> [B, C, g, g]

  // Error(kData) naming a prompt whose shape does not fit.
  Masks decode(const torch::Tensor& image_embeddings,  // [B, C, g, g]
               const Prompts& prompts);

  const SamConfig& config() const { return config_; }

 private:
  SamConfig config_;
  Positions shared_image_embedding_{nullptr}, prompt_positions_{nullptr};
  VisionEncoder vision_encoder_{nullptr};
  PromptEncoder prompt_encoder_{nullptr};
  MaskDecoder mask_decoder_{nullptr};
};
TORCH_MODULE(Sam);

}  // namespace reasonbrain::models::sam
