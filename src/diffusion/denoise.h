// The sampling loop.
#pragma once

#include <functional>

#include "diffusion/sampler.h"

namespace reasonbrain::diffusion {

// The denoiser's answer for x [B, ..] (as scale_model_input gives it) at `timestep`.
using DenoiseFn = std::function<torch::Tensor(const torch::Tensor& x, double timestep)>;

// Called after each step; a progress line, pictures of the steps, or a throw to stop.
using OnStep = std::function<void(int64_t step, const SampledStep& result)>;

// Runs all steps of `sampler`, whose timesteps are set. -> [B, ..] like initial_noise.
torch::Tensor denoise(Sampler& sampler, const DenoiseFn& denoiser,
                      const torch::Tensor& initial_noise,  // [B, ..], N(0, 1)
                      const NoiseSource& noise = {}, const OnStep& on_step = {});

}  // namespace reasonbrain::diffusion
