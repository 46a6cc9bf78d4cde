// From guidance to an edited latent: the sampling loop with the guidance passes run as one batch.
#pragma once

#include "diffusion/denoise.h"
#include "diffusion/scheduler_config.h"
#include "reason/denoiser.h"

namespace reasonbrain::reason {

struct PaintSettings {
  int64_t steps = 28;
  double text_scale = 1;   // s_T
  double image_scale = 1;  // s_I
};

// -> edited latent [B, C, h, w]. `source` [B, C, h, w]; `noise` [B, C, h, w], N(0, 1). `step_noise`
// is needed by stochastic samplers only. `on_step` may throw to stop.
torch::Tensor paint(Denoiser& denoiser, const diffusion::SchedulerConfig& scheduler,
                    const Guidance& guidance, const torch::Tensor& source,
                    const torch::Tensor& noise, const PaintSettings& settings,
                    const diffusion::NoiseSource& step_noise = {},
                    const diffusion::OnStep& on_step = {});

}  // namespace reasonbrain::reason
