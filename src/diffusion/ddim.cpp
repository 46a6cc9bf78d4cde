#include <algorithm>
#include <cmath>

#include "diffusion/samplers.h"

namespace reasonbrain::diffusion {

SampledStep DdimSampler::step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                              const NoiseSource& noise) {
  const auto timestep = static_cast<int64_t>(timesteps_.at(static_cast<size_t>(i)));
  const double now = alpha_bar(timestep);
  const double next = alpha_bar(timestep - stride());
  const NoiseLevel<double> level{std::sqrt(now), std::sqrt(1 - now)};
  const torch::Tensor output = model_output.to(x.scalar_type());

  torch::Tensor x0 = predicted_x0(config_.objective(), output, x, level);
  // From the answer itself, not from the clamped x0, as the reference does.
  const torch::Tensor direction = predicted_noise(config_.objective(), output, x, level);
  if (config_.clip_sample) x0 = x0.clamp(-config_.clip_sample_range, config_.clip_sample_range);

  const double variance = (1 - next) / (1 - now) * (1 - now / next);
  const double fresh = config_.eta * std::sqrt(variance);
  const double kept =
      std::sqrt(std::max(1 - next - fresh * fresh, 0.0));  // rounding may go below zero
  torch::Tensor sample = x0 * std::sqrt(next) + direction * kept;
  if (config_.eta > 0) sample = sample + draw(noise, x) * fresh;
  return {sample, x0};
}

}  // namespace reasonbrain::diffusion
