#include "diffusion/sampler.h"

#include <algorithm>
#include <cmath>

#include "core/rng_tensor.h"
#include "core/str.h"
#include "diffusion/samplers.h"

namespace reasonbrain::diffusion {

NoiseSource keyed_noise(std::vector<Rng> streams) {
  return [streams = std::move(streams)](torch::IntArrayRef sizes) mutable {
    if (sizes.empty() || sizes[0] != static_cast<int64_t>(streams.size())) {
      throw runtime_error(
          reasonbrain::str("noise of shape ", sizes, " asked of ", streams.size(), " streams"));
    }
    std::vector<torch::Tensor> rows;
    for (Rng& stream : streams) rows.push_back(randn(stream, sizes.slice(1)));
    return at::stack(rows);
  };
}

std::unique_ptr<Sampler> Sampler::make(const SchedulerConfig& config) {
  config.validate();
  const std::string& name = config.class_name;
  if (name == "DDIMScheduler") return std::make_unique<DdimSampler>(config);
  if (name == "DDPMScheduler") return std::make_unique<DdpmSampler>(config);
  if (name == "PNDMScheduler") return std::make_unique<PndmSampler>(config);
  if (name == "FlowMatchEulerDiscreteScheduler") return std::make_unique<FlowEulerSampler>(config);
  if (name == "EulerDiscreteScheduler")
    return std::make_unique<EulerSampler>(config, /*ancestral=*/false);
  if (name == "EulerAncestralDiscreteScheduler")
    return std::make_unique<EulerSampler>(config, /*ancestral=*/true);
  if (name == "DPMSolverMultistepScheduler") return std::make_unique<DpmSolverSampler>(config);
  throw config_error(
      str("scheduler: no sampler for '_class_name' '", name,
          "'; expected DDIMScheduler, DDPMScheduler, PNDMScheduler, EulerDiscreteScheduler, "
          "EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler or "
          "FlowMatchEulerDiscreteScheduler"));
}

void Sampler::set_timesteps(int64_t num_steps, std::optional<int64_t> image_seq_len) {
  if (num_steps < 1 || num_steps > config_.num_train_timesteps) {
    throw usage_error(str("number of sampling steps is ", num_steps, ", expected 1 to ",
                          config_.num_train_timesteps));
  }
  plan(num_steps, image_seq_len);
}

torch::Tensor Sampler::scale_model_input(const torch::Tensor& x, int64_t /*i*/) const {
  return x;
}

torch::Tensor Sampler::draw(const NoiseSource& noise, const torch::Tensor& x) const {
  if (!noise)
    throw runtime_error(str(config_.class_name, " needs a source of noise in every step"));
  return noise(x.sizes()).to(x.device(), x.scalar_type());
}

std::vector<double> trailing_timesteps(int64_t last, int64_t num_train_timesteps,
                                       int64_t num_steps) {
  const auto start = static_cast<double>(last);
  const double stride = static_cast<double>(num_train_timesteps) / static_cast<double>(num_steps);
  // The reference's range adds this rounded difference, which decides halves.
  const double difference = (start - stride) - start;
  const auto count = std::min(num_steps, static_cast<int64_t>(std::ceil(start / stride)));
  std::vector<double> timesteps;
  for (int64_t i = 0; i < count; ++i) {
    timesteps.push_back(std::nearbyint(start + static_cast<double>(i) * difference) - 1);
  }
  return timesteps;
}

std::vector<double> spaced_timesteps(const SchedulerConfig& config, int64_t num_steps) {
  const int64_t total = config.num_train_timesteps;
  if (config.spacing() == TimestepSpacing::kTrailing)
    return trailing_timesteps(total, total, num_steps);
  const bool leading = config.spacing() == TimestepSpacing::kLeading;
  const int64_t stride = total / num_steps;
  const double even =
      static_cast<double>(total - 1) / static_cast<double>(std::max<int64_t>(num_steps - 1, 1));
  std::vector<double> timesteps;
  for (int64_t i = num_steps - 1; i >= 0; --i) {
    timesteps.push_back(leading ? static_cast<double>(i * stride + config.steps_offset)
                                : static_cast<double>(i) * even);
  }
  return timesteps;
}

}  // namespace reasonbrain::diffusion
