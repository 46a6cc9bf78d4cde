// InstructPix2Pix (Brooks et al. 2023) and what has its form, such as MagicBrush's fine-tuning: a
// UNet that sees the noisy latent and the source picture's latent side by side in its channels;
// diffusers StableDiffusionInstructPix2PixPipeline.
//
// Legend: B batch, L text tokens, D text width, C latent channels, S picture side, h = S / f.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/placement.h"
#include "diffusion/denoise.h"
#include "diffusion/scheduler_config.h"
#include "models/clip/text.h"
#include "models/unet/unet.h"
#include "models/vae/vae.h"
#include "reason/paint.h"
#include "text/tokenizer.h"

namespace reasonbrain::edit {

class InstructPix2Pix {
 public:
  // Whether the folder's model_index.json names this pipeline.
  static bool is_folder(const std::filesystem::path& folder);

  // Reads unet/, vae/, text_encoder/, tokenizer/ and scheduler/; a safety checker is not run.
  // Throws Error(kData) naming what is missing, damaged or not supported.
  InstructPix2Pix(const std::filesystem::path& folder, const Placement& placement);

  // The instruction's tokens, filled up to L. Error(kUsage) when it does not fit.
  std::vector<int64_t> tokens(const std::string& instruction) const;

  // Each throws nothing but what the models throw.
  torch::Tensor encode_text(const std::vector<std::string>& instructions);  // -> [B, L, D]
  torch::Tensor encode_picture(const torch::Tensor& pixels);  // [B, 3, S, S] -> [B, C, h, h]
  torch::Tensor decode(const torch::Tensor& latent);          // and back, float32

  // -> edited latent [B, C, h, h], float32. With text_scale above 1 and image_scale of at least 1
  // the reference's guidance in three passes, else one pass without guidance.
  torch::Tensor sample(const torch::Tensor& text,    // [B, L, D]
                       const torch::Tensor& source,  // [B, C, h, h], as encode_picture gives it
                       const torch::Tensor& noise,   // [B, C, h, h], N(0, 1)
                       const reason::PaintSettings& settings,
                       const diffusion::NoiseSource& step_noise,
                       const diffusion::OnStep& on_step = {});

  int64_t picture_side() const;
  const Placement& placement() const { return placement_; }
  int64_t num_parameters() const;
  const std::string& sha256() const { return sha256_; }  // over the weight files

 private:
  Placement placement_;
  models::unet::UNet unet_ = nullptr;
  models::vae::AutoencoderKL vae_ = nullptr;
  models::clip::TextModel text_ = nullptr;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  diffusion::SchedulerConfig scheduler_;
  int64_t max_tokens_ = 0;  // L
  std::string sha256_;
};

}  // namespace reasonbrain::edit
