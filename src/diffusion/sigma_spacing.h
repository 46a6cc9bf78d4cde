// Noise levels spread by a rule instead of by timesteps, from the largest to the smallest.
#pragma once

#include <cstdint>
#include <vector>

#include "diffusion/scheduler_config.h"

namespace reasonbrain::diffusion {

// Whether one of the rules below is chosen.
bool spreads_sigmas(const SchedulerConfig& config);

// num_steps values from `largest` to `least`, or between the config's own bounds where it has them,
// by the chosen rule: evenly in sigma^(1/7) (Karras et al. 2022), evenly in log sigma, or at evenly
// spaced quantiles of Beta(0.6, 0.6) (Lee et al. 2024).
std::vector<double> spread_sigmas(const SchedulerConfig& config, double largest, double least,
                                  int64_t num_steps);

// log sigma of every level, in float32 as in the reference: where timesteps are cut off to
// integers, its rounding decides.
std::vector<double> reference_log_sigmas(const std::vector<double>& alphas_cumprod);

// The timestep whose sigma is `sigma`, between two levels by their logarithms.
// `log_sigmas`: of timesteps 0, 1, .., ascending.
double timestep_of_sigma(double sigma, const std::vector<double>& log_sigmas);

}  // namespace reasonbrain::diffusion
