#include <cmath>

#include "core/str.h"
#include "diffusion/samplers.h"
#include "diffusion/schedule.h"

namespace reasonbrain::diffusion {

AlphaBarSampler::AlphaBarSampler(const SchedulerConfig& config)
    : Sampler(config), alphas_cumprod_(alphas_cumprod(config)) {}

void AlphaBarSampler::plan(int64_t num_steps, std::optional<int64_t> /*image_seq_len*/) {
  timesteps_ = spaced_timesteps(config_, num_steps);
  for (double& timestep : timesteps_) timestep = std::nearbyint(timestep);
  stride_ = config_.num_train_timesteps / num_steps;
  if (timesteps_.front() >= static_cast<double>(config_.num_train_timesteps)) {
    throw usage_error(str("number of sampling steps is ", num_steps,
                          ": with the scheduler's 'steps_offset' ", config_.steps_offset,
                          " they lead past timestep ", config_.num_train_timesteps - 1,
                          "; ask for fewer"));
  }
}

double AlphaBarSampler::alpha_bar(int64_t timestep) const {
  if (timestep >= 0) return alphas_cumprod_.at(static_cast<size_t>(timestep));
  return config_.set_alpha_to_one ? 1.0 : alphas_cumprod_[0];
}

}  // namespace reasonbrain::diffusion
