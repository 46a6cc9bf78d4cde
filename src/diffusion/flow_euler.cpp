#include <cmath>

#include "diffusion/samplers.h"
#include "diffusion/sigma_spacing.h"

namespace reasonbrain::diffusion {
namespace {

double shift_by_factor(double t, double factor) {
  return factor * t / (1 + (factor - 1) * t);
}

}  // namespace

double FlowEulerSampler::shifted(double t, double mu) const {
  if (!config_.use_dynamic_shifting) return shift_by_factor(t, config_.shift);
  const double factor = config_.time_shift_type == TimeShift::kExponential ? std::exp(mu) : mu;
  return factor / (factor + (1 / t - 1));
}

void FlowEulerSampler::plan(int64_t num_steps, std::optional<int64_t> image_seq_len) {
  double mu = 0;
  if (config_.use_dynamic_shifting) {
    if (!image_seq_len)
      throw runtime_error("a dynamic shift needs the number of tokens of the latent");
    const double slope =
        (config_.max_shift - config_.base_shift) /
        static_cast<double>(config_.max_image_seq_len - config_.base_image_seq_len);
    mu = config_.base_shift +
         slope * static_cast<double>(*image_seq_len - config_.base_image_seq_len);
  }
  const auto total = static_cast<double>(config_.num_train_timesteps);
  double last = 1.0 / static_cast<double>(num_steps);
  if (config_.flow_spacing == FlowSpacing::kToSigmaMin) {
    // The reference takes the end of its training levels, which a fixed shift has moved already.
    last = config_.use_dynamic_shifting ? 1 / total : shift_by_factor(1 / total, config_.shift);
  }

  sigmas_.clear();
  for (int64_t i = 0; i < num_steps; ++i) {
    const double share =
        num_steps == 1 ? 0 : static_cast<double>(i) / static_cast<double>(num_steps - 1);
    sigmas_.push_back(shifted(1 + share * (last - 1), mu));
  }
  // A single step stays at t = 1: there is nothing to stretch.
  if (config_.shift_terminal > 0 && sigmas_.back() < 1) {
    const double stretch = (1 - sigmas_.back()) / (1 - config_.shift_terminal);
    for (double& sigma : sigmas_) sigma = 1 - (1 - sigma) / stretch;
  }
  if (spreads_sigmas(config_))
    sigmas_ = spread_sigmas(config_, sigmas_.front(), sigmas_.back(), num_steps);
  timesteps_.clear();
  for (const double sigma : sigmas_) timesteps_.push_back(sigma * total);
  sigmas_.push_back(0);
}

SampledStep FlowEulerSampler::step(const torch::Tensor& model_output, int64_t i,
                                   const torch::Tensor& x, const NoiseSource& /*noise*/) {
  const double now = sigmas_.at(static_cast<size_t>(i));
  const double next = sigmas_.at(static_cast<size_t>(i) + 1);
  const torch::Tensor output = model_output.to(x.scalar_type());
  torch::Tensor x0 = predicted_x0(config_.objective(), output, x, NoiseLevel<double>{1 - now, now});
  if (config_.clip_flow_sample)
    x0 = x0.clamp(-config_.clip_sample_range, config_.clip_sample_range);
  // x + (next - now) v with v = (x - x0) / now.
  return {x * (next / now) + x0 * (1 - next / now), x0};
}

}  // namespace reasonbrain::diffusion
