#include "diffusion/time_draw.h"

#include <cmath>

namespace reasonbrain::diffusion {

void TimeOptions::describe(OptionVisitor& v) {
  v.choice("distribution", distribution, {"uniform", "logit_normal", "high_noise"},
           {.help = "How noise levels are drawn in training"});
  v.field("logit_mean", logit_mean, {.help = "logit_normal: mean of the normal variable"});
  v.field("logit_std", logit_std, {.help = "logit_normal: its standard deviation", .min = 0});
  v.field("pure_noise_share", pure_noise_share,
          {.help = "high_noise: share of samples at exactly t = 1", .min = 0, .max = 1});
  v.field("min_time", min_time, {.help = "Least t, 0 being no noise", .min = 0, .max = 1});
  v.field("shift", shift, {.help = "Moves t towards noise when above 1", .min = 1e-6});
}

double draw_time(const TimeOptions& options, Rng& rng) {
  double t = 0;
  switch (options.distribution) {
    case TimeDistribution::kUniform:
      t = rng.uniform();
      break;
    case TimeDistribution::kLogitNormal:
      t = 1 / (1 + std::exp(-(options.logit_mean + options.logit_std * rng.normal())));
      break;
    case TimeDistribution::kHighNoise: {
      if (rng.chance(options.pure_noise_share)) return 1;
      const double u = rng.uniform();
      t = 1 - (1 - u) * (1 - u);
      break;
    }
  }
  t = options.shift * t / (1 + (options.shift - 1) * t);
  return options.min_time + (1 - options.min_time) * t;
}

}  // namespace reasonbrain::diffusion
