#include <cmath>

#include "diffusion/samplers.h"

namespace reasonbrain::diffusion {
namespace {

constexpr int64_t kFewSteps = 15;  // below it lower_order_final counts

struct Level : NoiseLevel<double> {
  explicit Level(double s)
      : NoiseLevel<double>{1 / std::sqrt(s * s + 1), s / std::sqrt(s * s + 1)} {}
  double lambda() const { return std::log(alpha) - std::log(sigma); }
};

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
  set_sigmas(/*allow_sigma_min=*/true);
  previous_x0_ = torch::Tensor();
}

bool DpmSolverSampler::first_order(int64_t i) const {
  if (config_.solver_order == 1 || !previous_x0_.defined()) return true;
  if (i != num_steps() - 1) return false;
  return config_.euler_at_final || config_.final_sigmas_type == FinalSigma::kZero ||
         (config_.lower_order_final && num_steps() < kFewSteps);
}

StepResult DpmSolverSampler::step(const torch::Tensor& model_output, int64_t i,
                                  const torch::Tensor& x, const NoiseSource& /*noise*/) {
  if (i == 0) previous_x0_ = torch::Tensor();
  const auto at = static_cast<size_t>(i);
  const Level now(sigmas_.at(at)), next(sigmas_.at(at + 1));
  const torch::Tensor x0 = predicted_x0(config_.objective(), model_output.to(x.scalar_type()), x,
                                        static_cast<const NoiseLevel<double>&>(now));
  const double h =
      next.lambda() - now.lambda();  // infinite in a last step to sigma = 0: x becomes x0
  const double gain = next.alpha * (1 - std::exp(-h));
  torch::Tensor direction = x0;
  if (!first_order(i)) {
    const double ratio = (now.lambda() - Level(sigmas_.at(at - 1)).lambda()) / h;
    direction = x0 + (x0 - previous_x0_) * (0.5 / ratio);
  }
  previous_x0_ = x0;
  return {x * (next.sigma / now.sigma) + direction * gain, x0};
}

}  // namespace reasonbrain::diffusion
