// Learning-rate factors. Steps count from 0.
#pragma once

#include <cstdint>

namespace reasonbrain::optim {

// Rises linearly: 1/warmup_steps at step 0, 1 from step warmup_steps - 1 on.
double warmup_factor(int64_t step, int64_t warmup_steps);

// Share of the way after the warm-up, in [0, 1); the end itself would be the step after the last.
double decay_progress(int64_t step, int64_t total_steps, int64_t warmup_steps);

// From 1 at progress 0 to min_ratio at progress 1.
double cosine_factor(double progress, double min_ratio);
double linear_factor(double progress, double min_ratio);

}  // namespace reasonbrain::optim
