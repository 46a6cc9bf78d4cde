#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reasonbrain::optim {

double warmup_factor(int64_t step, int64_t warmup_steps) {
  if (step + 1 >= warmup_steps) return 1;
  return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
}

double decay_progress(int64_t step, int64_t total_steps, int64_t warmup_steps) {
  if (step <= warmup_steps || total_steps <= warmup_steps) return 0;
  return std::min(1.0, static_cast<double>(step - warmup_steps) /
                           static_cast<double>(total_steps - warmup_steps));
}

double cosine_factor(double progress, double min_ratio) {
  return min_ratio + (1 - min_ratio) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

double linear_factor(double progress, double min_ratio) {
  return 1 - (1 - min_ratio) * progress;
}

}  // namespace reasonbrain::optim
