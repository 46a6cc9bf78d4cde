#include "diffusion/schedule.h"

#include <cmath>
#include <numbers>

namespace reasonbrain::diffusion {
namespace {

constexpr double kMaxBeta = 0.999;  // of the cosine schedule

// Nichol and Dhariwal 2021.
double cosine_alpha_bar(double t) {
  const double root = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
  return root * root;
}

torch::Tensor betas(const SchedulerConfig& config) {
  const int64_t n = config.num_train_timesteps;
  if (!config.trained_betas.empty()) return torch::tensor(config.trained_betas, torch::kFloat32);
  switch (config.beta_schedule) {
    case BetaSchedule::kLinear:
      return at::linspace(config.beta_start, config.beta_end, n, torch::kFloat32);
    case BetaSchedule::kScaledLinear:
      return at::linspace(std::sqrt(config.beta_start), std::sqrt(config.beta_end), n,
                          torch::kFloat32)
          .square();
    case BetaSchedule::kSquaredCosine:
      break;
  }
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) {
    const double from = cosine_alpha_bar(static_cast<double>(i) / static_cast<double>(n));
    const double to = cosine_alpha_bar(static_cast<double>(i + 1) / static_cast<double>(n));
    values.push_back(std::min(1 - to / from, kMaxBeta));
  }
  return torch::tensor(values, torch::kFloat32);
}

// Lin et al. 2024, algorithm 1: shift and scale sqrt(abar) so that the last is 0 and the first
// stays.
torch::Tensor rescale_to_zero_snr(const torch::Tensor& betas) {
  torch::Tensor root = (1 - betas).cumprod(0).sqrt();
  const torch::Tensor first = root[0].clone(), last = root[-1].clone();
  root = (root - last) * (first / (first - last));
  const torch::Tensor alpha_bar = root.square();
  const torch::Tensor alphas = alpha_bar.slice(0, 1) / alpha_bar.slice(0, 0, -1);
  return 1 - at::cat({alpha_bar.slice(0, 0, 1), alphas});
}

torch::Tensor per_sample(const torch::Tensor& values, const torch::Tensor& x) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = values.size(0);
  return values.to(x.device(), x.scalar_type()).view(shape);
}

}  // namespace

// float32 operations in the reference's order: near zero SNR its rounding is visible in samples.
std::vector<double> alphas_cumprod(const SchedulerConfig& config) {
  config.validate();
  torch::Tensor beta = betas(config);
  if (config.rescale_betas_zero_snr) beta = rescale_to_zero_snr(beta);
  const torch::Tensor products = (1 - beta).cumprod(0).to(torch::kFloat64);
  return {products.data_ptr<double>(), products.data_ptr<double>() + products.numel()};
}

DiscreteSchedule::DiscreteSchedule(const SchedulerConfig& config)
    : alphas_cumprod_(diffusion::alphas_cumprod(config)) {}

NoiseLevel<torch::Tensor> DiscreteSchedule::level(const torch::Tensor& timestep,
                                                  const torch::Tensor& x) const {
  const torch::Tensor alpha_bar =
      torch::tensor(alphas_cumprod_, torch::kFloat64).index_select(0, timestep.cpu());
  return {per_sample(alpha_bar.sqrt(), x), per_sample((1 - alpha_bar).sqrt(), x)};
}

NoiseLevel<torch::Tensor> flow_level(const torch::Tensor& time, const torch::Tensor& x) {
  return {per_sample(1 - time, x), per_sample(time, x)};
}

}  // namespace reasonbrain::diffusion
