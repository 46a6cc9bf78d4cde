#include "models/sam/sam.h"

#include "core/str.h"
#include "models/register_at.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::sam {

SamImpl::SamImpl(const SamConfig& config, bool tied, const nn::Build& build) : config_(config) {
  shared_image_embedding_ =
      register_module("shared_image_embedding", Positions(config.vision, build));
  vision_encoder_ = register_module("vision_encoder", VisionEncoder(config.vision, build));
  prompt_encoder_ = register_module("prompt_encoder", PromptEncoder(config.prompt, build));
  mask_decoder_ = register_module("mask_decoder", MaskDecoder(config.decoder, build));
  prompt_positions_ =
      tied ? shared_image_embedding_
           : register_at(*this, "prompt_encoder.shared_embedding", Positions(config.vision, build));
}

torch::Tensor SamImpl::encode(const torch::Tensor& pixel_values) {
  return vision_encoder_(pixel_values);
}

Masks SamImpl::decode(const torch::Tensor& image_embeddings, const Prompts& prompts) {
  const int64_t batch = image_embeddings.size(0), grid = config_.vision.grid();
  const std::vector<int64_t> mask_sizes = {batch, 1, 4 * grid, 4 * grid};
  if (prompts.masks.defined() && prompts.masks.sizes() != mask_sizes) {
    throw data_error(reasonbrain::str("input_masks have the shape ", prompts.masks.sizes(),
                                      "; expected ", torch::IntArrayRef(mask_sizes)));
  }
  const PromptTokens tokens = prompt_encoder_->forward(prompts, prompt_positions_);
  if (tokens.sparse.defined() && tokens.sparse.size(0) != batch) {
    throw data_error(reasonbrain::str("there are ", batch, " pictures, but prompts for ",
                                      tokens.sparse.size(0)));
  }
  return mask_decoder_->forward(image_embeddings + tokens.dense,
                                shared_image_embedding_->of_grid(grid), tokens.sparse);
}

}  // namespace reasonbrain::models::sam
