// Noise schedules: how much noise training mixes in. Legend: B batch, T noise levels.
#pragma once

#include <torch/types.h>

#include <vector>

#include "diffusion/scheduler_config.h"

namespace reasonbrain::diffusion {

// Products of (1 - beta) over the T levels, from the first to the most noisy one (Ho et al. 2020;
// diffusers DDPMScheduler.alphas_cumprod, in float32 as there). Strictly positive unless zero-SNR.
std::vector<double> alphas_cumprod(const SchedulerConfig& config);

// The variance-preserving path x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) eps at integer levels t in
// [0, T).
class DiscreteSchedule {
 public:
  explicit DiscreteSchedule(const SchedulerConfig& config);

  int64_t num_levels() const { return static_cast<int64_t>(alphas_cumprod_.size()); }
  const std::vector<double>& alphas_cumprod() const { return alphas_cumprod_; }

  // One level per sample, of shape [B, 1, ..] with x's number of dimensions, x's dtype and device.
  NoiseLevel<torch::Tensor> level(const torch::Tensor& timestep,  // int64 [B]
                                  const torch::Tensor& x) const;  // [B, ..]

 private:
  std::vector<double> alphas_cumprod_;
};

// The flow path x_t = (1 - t) x0 + t eps (Lipman et al. 2023): levels of shape [B, 1, ..] like
// above.
NoiseLevel<torch::Tensor> flow_level(const torch::Tensor& time,  // [B] in [0, 1]
                                     const torch::Tensor& x);    // [B, ..]

}  // namespace reasonbrain::diffusion
