#include "diffusion/sigma_spacing.h"

#include <algorithm>
#include <cmath>

namespace reasonbrain::diffusion {
namespace {

constexpr double kRho = 7;             // Karras et al. 2022
constexpr double kLeastSigma = 1e-10;  // keeps the logarithm finite

}  // namespace

bool spreads_sigmas(const SchedulerConfig& config) {
  return config.use_karras_sigmas || config.use_exponential_sigmas;
}

std::vector<double> spread_sigmas(const SchedulerConfig& config, double largest, double least,
                                  int64_t num_steps) {
  const auto to = [&](double sigma) {
    return config.use_karras_sigmas ? std::pow(sigma, 1 / kRho) : std::log(sigma);
  };
  const auto from = [&](double x) {
    return config.use_karras_sigmas ? std::pow(x, kRho) : std::exp(x);
  };
  const double begin = to(config.sigma_max > 0 ? config.sigma_max : largest);
  const double end = to(config.sigma_min > 0 ? config.sigma_min : least);
  std::vector<double> sigmas;
  for (int64_t i = 0; i < num_steps; ++i) {
    const double share =
        num_steps == 1 ? 0 : static_cast<double>(i) / static_cast<double>(num_steps - 1);
    sigmas.push_back(from(begin + share * (end - begin)));
  }
  return sigmas;
}

std::vector<double> reference_log_sigmas(const std::vector<double>& alphas_cumprod) {
  std::vector<double> logs;
  for (const double alpha_bar : alphas_cumprod) {
    const auto a = static_cast<float>(alpha_bar);
    logs.push_back(std::log(std::sqrt((1 - a) / a)));
  }
  return logs;
}

double timestep_of_sigma(double sigma, const std::vector<double>& log_sigmas) {
  const double log_sigma = std::log(std::max(sigma, kLeastSigma));
  const auto above = std::upper_bound(log_sigmas.begin(), log_sigmas.end(), log_sigma);
  const auto count = static_cast<int64_t>(log_sigmas.size());
  if (count < 2) return 0;
  const int64_t low = std::clamp<int64_t>(above - log_sigmas.begin() - 1, 0, count - 2);
  const double from = log_sigmas[static_cast<size_t>(low)];
  const double to = log_sigmas[static_cast<size_t>(low) + 1];
  return static_cast<double>(low) + std::clamp((log_sigma - from) / (to - from), 0.0, 1.0);
}

}  // namespace reasonbrain::diffusion
