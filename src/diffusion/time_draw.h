// Which noise levels training sees. Every draw comes from the caller's stream, keyed by sample.
#pragma once

#include "core/rng.h"
#include "reasonbrain/describe.h"

namespace reasonbrain::diffusion {

enum class TimeDistribution {
  kUniform,
  kLogitNormal,  // sigmoid of a normal variable (Esser et al. 2024)
  kHighNoise,    // a share of samples at t = 1, the rest with density falling linearly towards low
                 // noise
};

struct TimeOptions {
  TimeDistribution distribution = TimeDistribution::kUniform;
  double logit_mean = 0;
  double logit_std = 1;
  double pure_noise_share = 0.3;
  double min_time = 0;
  double shift = 1;

  void describe(OptionVisitor& v);
};

// t in [min_time, 1], 1 being pure noise: drawn, mapped by t -> shift t / (1 + (shift - 1) t), then
// from [0, 1] to [min_time, 1].
double draw_time(const TimeOptions& options, Rng& rng);

}  // namespace reasonbrain::diffusion
