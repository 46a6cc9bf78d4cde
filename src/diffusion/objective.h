// What a denoiser predicts, and the way from one prediction to another.
//
// Everywhere x_t = alpha x0 + sigma eps. Variance-preserving schedules have alpha^2 + sigma^2 = 1,
// the flow path alpha = 1 - t, sigma = t.
#pragma once

#include <torch/types.h>

#include "reasonbrain/error.h"

namespace reasonbrain::diffusion {

enum class Objective {
  kEpsilon,  // the noise (Ho et al. 2020)
  kV,        // alpha eps - sigma x0 (Salimans and Ho 2022)
  kFlow,     // eps - x0 (Lipman et al. 2023), on the flow path
  kSample,   // x0 itself
};

// Scalar: double for a whole batch at one level, or torch::Tensor [B, 1, ..] for one level per
// sample.
template <class Scalar>
struct NoiseLevel {
  Scalar alpha;
  Scalar sigma;
};

template <class Scalar>
torch::Tensor mix(const torch::Tensor& x0, const torch::Tensor& noise,
                  const NoiseLevel<Scalar>& level) {
  return x0 * level.alpha + noise * level.sigma;
}

// What the denoiser has to answer; any shape.
template <class Scalar>
torch::Tensor target(Objective objective, const torch::Tensor& x0, const torch::Tensor& noise,
                     const NoiseLevel<Scalar>& level) {
  switch (objective) {
    case Objective::kEpsilon:
      return noise;
    case Objective::kV:
      return noise * level.alpha - x0 * level.sigma;
    case Objective::kFlow:
      return noise - x0;
    case Objective::kSample:
      return x0;
  }
  throw runtime_error("unknown objective");
}

// x0 from the denoiser's answer at x_t. epsilon has none where alpha = 0.
template <class Scalar>
torch::Tensor predicted_x0(Objective objective, const torch::Tensor& output,
                           const torch::Tensor& x_t, const NoiseLevel<Scalar>& level) {
  switch (objective) {
    case Objective::kEpsilon:
      return (x_t - output * level.sigma) / level.alpha;
    case Objective::kV:
      return x_t * level.alpha - output * level.sigma;
    case Objective::kFlow:
      return x_t - output * level.sigma;
    case Objective::kSample:
      return output;
  }
  throw runtime_error("unknown objective");
}

// The noise from the denoiser's answer at x_t. sample has none where sigma = 0.
template <class Scalar>
torch::Tensor predicted_noise(Objective objective, const torch::Tensor& output,
                              const torch::Tensor& x_t, const NoiseLevel<Scalar>& level) {
  switch (objective) {
    case Objective::kEpsilon:
      return output;
    case Objective::kV:
      return output * level.alpha + x_t * level.sigma;
    case Objective::kFlow:
      return x_t + output * level.alpha;
    case Objective::kSample:
      return (x_t - output * level.alpha) / level.sigma;
  }
  throw runtime_error("unknown objective");
}

}  // namespace reasonbrain::diffusion
