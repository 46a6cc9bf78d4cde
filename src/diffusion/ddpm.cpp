#include <algorithm>
#include <cmath>

#include "diffusion/samplers.h"

namespace reasonbrain::diffusion {
namespace {

constexpr double kLeastVariance = 1e-20;

}  // namespace

SampledStep DdpmSampler::step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                              const NoiseSource& noise) {
  const auto timestep = static_cast<int64_t>(timesteps_.at(static_cast<size_t>(i)));
  const double now = alpha_bar(timestep);
  const bool last = i + 1 == num_steps();
  const double next =
      last ? 1 : alpha_bar(static_cast<int64_t>(timesteps_[static_cast<size_t>(i) + 1]));
  const NoiseLevel<double> level{std::sqrt(now), std::sqrt(1 - now)};
  const torch::Tensor output = model_output.to(x.scalar_type());
  torch::Tensor x0 = predicted_x0(config_.objective(), output, x, level);
  if (config_.clip_sample) x0 = x0.clamp(-config_.clip_sample_range, config_.clip_sample_range);

  // The posterior of x at the next level, given x and x0 (Ho et al. 2020, formula 7).
  const double alpha = now / next, beta = 1 - alpha;
  const double of_x0 = std::sqrt(next) * beta / (1 - now);
  const double of_x = std::sqrt(alpha) * (1 - next) / (1 - now);
  torch::Tensor sample = x0 * of_x0 + x * of_x;
  if (timestep > 0) {
    const double small = std::max((1 - next) / (1 - now) * beta, kLeastVariance);
    const bool large = config_.variance_type == "fixed_large";
    sample = sample + draw(noise, x) * std::sqrt(large ? beta : small);
  }
  return {sample, x0};
}

}  // namespace reasonbrain::diffusion
