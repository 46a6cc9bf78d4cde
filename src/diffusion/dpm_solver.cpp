#include <algorithm>
#include <cmath>

#include "diffusion/samplers.h"
#include "diffusion/schedule.h"
#include "diffusion/sigma_spacing.h"

namespace reasonbrain::diffusion {
namespace {

constexpr int64_t kFewSteps = 15;  // below it lower_order_final counts

struct Level : NoiseLevel<double> {
  explicit Level(double s)
      : NoiseLevel<double>{1 / std::sqrt(s * s + 1), s / std::sqrt(s * s + 1)} {}
  double lambda() const { return std::log(alpha) - std::log(sigma); }
};

// In float32, as the reference's bounds.
double sigma_of(double alpha_bar) {
  const auto a = static_cast<float>(alpha_bar);
  return std::sqrt((1 - a) / a);
}

}  // namespace

void DpmSolverSampler::plan(int64_t num_steps, std::optional<int64_t> /*image_seq_len*/) {
  const int64_t total = config_.num_train_timesteps;
  int64_t last = total;  // timesteps with a log-SNR below the bound are left out
  while (last > 1) {
    const double alpha_bar = alphas_cumprod_[static_cast<size_t>(last - 1)];
    if (0.5 * std::log(alpha_bar / (1 - alpha_bar)) >= config_.lambda_min_clipped) break;
    --last;
  }
  timesteps_.clear();
  if (config_.spacing() == TimestepSpacing::kTrailing) {
    timesteps_ = trailing_timesteps(last, total, num_steps);
  } else {
    const bool leading = config_.spacing() == TimestepSpacing::kLeading;
    const int64_t stride = last / (num_steps + 1);
    const double even = static_cast<double>(last - 1) / static_cast<double>(num_steps);
    for (int64_t i = num_steps; i >= 1;
         --i) {  // of num_steps + 1 timesteps the least one is not used
      timesteps_.push_back(leading ? static_cast<double>(i * stride + config_.steps_offset)
                                   : std::nearbyint(static_cast<double>(i) * even));
    }
  }
  set_sigmas();
  if (spreads_sigmas(config_)) {
    spread(sigma_of(alphas_cumprod_.back()), sigma_of(alphas_cumprod_.front()), num_steps);
    // Integers, as the reference hands them to the denoiser: Karras' are rounded, others cut off.
    const bool round =
        config_.use_karras_sigmas && config_.beta_schedule != BetaSchedule::kSquaredCosine;
    for (double& timestep : timesteps_)
      timestep = round ? std::nearbyint(timestep) : std::floor(timestep);
  }
  end_sigmas(/*allow_sigma_min=*/true);
  past_.clear();
}

int64_t DpmSolverSampler::order(int64_t i) const {
  const int64_t left = num_steps() - i;  // steps from this one on
  const bool lower = config_.lower_order_final && num_steps() < kFewSteps;
  const auto known = static_cast<int64_t>(past_.size()) + 1;
  if (left == 1 &&
      (config_.euler_at_final || config_.final_sigmas_type == FinalSigma::kZero || lower))
    return 1;
  return std::min({config_.solver_order, known, left == 2 && lower ? int64_t{2} : int64_t{3}});
}

SampledStep DpmSolverSampler::step(const torch::Tensor& model_output, int64_t i,
                                   const torch::Tensor& x, const NoiseSource& /*noise*/) {
  if (i == 0) past_.clear();
  const auto at = static_cast<size_t>(i);
  const Level now(sigmas_.at(at)), next(sigmas_.at(at + 1));
  const torch::Tensor x0 = predicted_x0(config_.objective(), model_output.to(x.scalar_type()), x,
                                        static_cast<const NoiseLevel<double>&>(now));
  // Infinite in a last step to sigma = 0: x becomes x0.
  const double h = next.lambda() - now.lambda();
  const double first = 1 - std::exp(-h);  // weights of x0 and its differences, times alpha
  torch::Tensor sample = x * (next.sigma / now.sigma) + x0 * (next.alpha * first);
  const int64_t order = this->order(i);
  if (order > 1) {
    const auto ratio = [&](size_t back) {  // of an earlier step's length to this one's
      return (Level(sigmas_.at(at - back)).lambda() - Level(sigmas_.at(at - back - 1)).lambda()) /
             h;
    };
    const double r0 = ratio(0);
    const double second = 1 - first / h;
    torch::Tensor slope = (x0 - past_[0]) / r0;
    if (order == 2) {
      const bool heun = config_.solver_type == "heun";
      sample = sample + slope * (next.alpha * (heun ? second : first / 2));
    } else {
      const double r1 = ratio(1);
      const double third = 0.5 - second / h;
      const torch::Tensor change = (slope - (past_[0] - past_[1]) / r1) / (r0 + r1);
      sample =
          sample + (slope + change * r0) * (next.alpha * second) + change * (next.alpha * third);
    }
  }
  past_.insert(past_.begin(), x0);
  if (past_.size() > 2) past_.pop_back();
  return {sample, x0};
}

}  // namespace reasonbrain::diffusion
