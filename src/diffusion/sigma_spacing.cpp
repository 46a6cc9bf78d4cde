#include "diffusion/sigma_spacing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reasonbrain::diffusion {
namespace {

constexpr double kRho = 7;             // Karras et al. 2022
constexpr double kBeta = 0.6;          // Lee et al. 2024
constexpr double kLeastSigma = 1e-10;  // keeps the logarithm finite

// Integral of (t (1 - t))^(kBeta - 1) over t from 0 to x <= 1/2, as a power series.
double beta_area(double x) {
  constexpr int kNumTerms = 60;  // the rest is below 2^-60 of the first
  double sum = 0, term = 1;
  for (int k = 0; k < kNumTerms; ++k) {
    sum += term / (k + kBeta);
    term *= (k + 1 - kBeta) / (k + 1) * x;
  }
  return std::pow(x, kBeta) * sum;
}

// Where the distribution Beta(kBeta, kBeta) reaches `share`: by halving, and by its symmetry.
double beta_quantile(double share) {
  if (share > 0.5) return 1 - beta_quantile(1 - share);
  const double wanted = 2 * share * beta_area(0.5);
  double low = 0, high = 0.5;
  for (int i = 0; i < std::numeric_limits<double>::digits; ++i) {
    const double middle = (low + high) / 2;
    (beta_area(middle) < wanted ? low : high) = middle;
  }
  return high;
}

}  // namespace

bool spreads_sigmas(const SchedulerConfig& config) {
  return config.use_karras_sigmas || config.use_exponential_sigmas || config.use_beta_sigmas;
}

std::vector<double> spread_sigmas(const SchedulerConfig& config, double largest, double least,
                                  int64_t num_steps) {
  const auto to = [&](double sigma) {
    if (config.use_beta_sigmas) return sigma;
    return config.use_karras_sigmas ? std::pow(sigma, 1 / kRho) : std::log(sigma);
  };
  const auto from = [&](double x) {
    if (config.use_beta_sigmas) return x;
    return config.use_karras_sigmas ? std::pow(x, kRho) : std::exp(x);
  };
  const double begin = to(config.sigma_max > 0 ? config.sigma_max : largest);
  const double end = to(config.sigma_min > 0 ? config.sigma_min : least);
  std::vector<double> sigmas;
  for (int64_t i = 0; i < num_steps; ++i) {
    const double share =
        num_steps == 1 ? 0 : static_cast<double>(i) / static_cast<double>(num_steps - 1);
    const double way = config.use_beta_sigmas ? beta_quantile(share) : share;
    sigmas.push_back(from(begin + way * (end - begin)));
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
