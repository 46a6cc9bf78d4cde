#include <algorithm>
#include <cmath>

#include "diffusion/samplers.h"
#include "diffusion/schedule.h"
#include "diffusion/sigma_spacing.h"

namespace reasonbrain::diffusion {
namespace {

constexpr double kLeastAlphaBar =
    0x1p-24;  // stands for the zero of zero-SNR, whose sigma is infinite

double to_sigma(double alpha_bar) {
  return std::sqrt((1 - alpha_bar) / alpha_bar);
}

}  // namespace

SigmaSampler::SigmaSampler(const SchedulerConfig& config)
    : Sampler(config), alphas_cumprod_(alphas_cumprod(config)) {
  if (config.rescale_betas_zero_snr) alphas_cumprod_.back() = kLeastAlphaBar;
}

double SigmaSampler::sigma_at(double timestep) const {
  const auto last = static_cast<double>(alphas_cumprod_.size() - 1);
  const double clamped = std::clamp(timestep, 0.0, last);
  const auto low = static_cast<size_t>(clamped);
  const size_t high = std::min(low + 1, alphas_cumprod_.size() - 1);
  const double from = to_sigma(alphas_cumprod_[low]);
  return from + (clamped - static_cast<double>(low)) * (to_sigma(alphas_cumprod_[high]) - from);
}

void SigmaSampler::set_sigmas() {
  sigmas_.clear();
  for (const double timestep : timesteps_) sigmas_.push_back(sigma_at(timestep));
}

void SigmaSampler::spread(double largest, double least, int64_t num_steps) {
  sigmas_ = spread_sigmas(config_, largest, least, num_steps);
  const std::vector<double> log_sigmas = reference_log_sigmas(alphas_cumprod_);
  timesteps_.clear();
  for (const double sigma : sigmas_) timesteps_.push_back(timestep_of_sigma(sigma, log_sigmas));
}

void SigmaSampler::end_sigmas(bool allow_sigma_min) {
  const bool to_min = allow_sigma_min && config_.final_sigmas_type == FinalSigma::kSigmaMin;
  sigmas_.push_back(to_min ? to_sigma(alphas_cumprod_[0]) : 0);
}

void EulerSampler::plan(int64_t num_steps, std::optional<int64_t> /*image_seq_len*/) {
  timesteps_ = spaced_timesteps(config_, num_steps);
  set_sigmas();
  if (!ancestral_ && spreads_sigmas(config_)) spread(sigmas_.front(), sigmas_.back(), num_steps);
  end_sigmas(/*allow_sigma_min=*/!ancestral_);
}

double EulerSampler::initial_sigma() const {
  const double largest = *std::max_element(sigmas_.begin(), sigmas_.end());
  return config_.spacing() == TimestepSpacing::kLeading ? std::sqrt(largest * largest + 1)
                                                        : largest;
}

torch::Tensor EulerSampler::scale_model_input(const torch::Tensor& x, int64_t i) const {
  const double sigma = sigmas_.at(static_cast<size_t>(i));
  return x / std::sqrt(sigma * sigma + 1);
}

SampledStep EulerSampler::step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                               const NoiseSource& noise) {
  const double now = sigmas_.at(static_cast<size_t>(i));
  const double next = sigmas_.at(static_cast<size_t>(i) + 1);
  const double alpha = 1 / std::sqrt(now * now + 1);
  const torch::Tensor x0 = predicted_x0(config_.objective(), model_output.to(x.scalar_type()),
                                        x * alpha, NoiseLevel<double>{alpha, now * alpha});
  double down = next, up = 0;
  if (ancestral_) {
    up = next * std::sqrt(now * now - next * next) / now;
    down = next * next / now;  // up^2 + down^2 = next^2
  }
  torch::Tensor sample = x + (x - x0) * ((down - now) / now);
  if (ancestral_) sample = sample + draw(noise, x) * up;
  return {sample, x0};
}

}  // namespace reasonbrain::diffusion
