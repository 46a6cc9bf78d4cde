#include "diffusion/denoise.h"

namespace reasonbrain::diffusion {

torch::Tensor denoise(Sampler& sampler, const DenoiseFn& denoiser,
                      const torch::Tensor& initial_noise, const NoiseSource& noise,
                      const OnStep& on_step) {
  torch::Tensor x = initial_noise * sampler.initial_sigma();
  for (int64_t i = 0; i < sampler.num_steps(); ++i) {
    const double timestep = sampler.timesteps()[static_cast<size_t>(i)];
    const torch::Tensor output = denoiser(sampler.scale_model_input(x, i), timestep);
    const SampledStep result = sampler.step(output, i, x, noise);
    x = result.sample;
    if (on_step) on_step(i, result);
  }
  return x;
}

}  // namespace reasonbrain::diffusion
