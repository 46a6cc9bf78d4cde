// Samplers: from noise to a picture in a number of steps. They know numbers, not models.
// Legend: B batch; step i of n goes from noise level i to level i + 1.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/rng.h"
#include "diffusion/scheduler_config.h"

namespace reasonbrain::diffusion {

// Fresh N(0, 1) noise of a shape [B, ..], in float32 on the CPU.
using NoiseSource = std::function<torch::Tensor(torch::IntArrayRef sizes)>;

// Row b of every draw comes from streams[b] only, so that a picture's noise does not depend on its
// batch.
NoiseSource keyed_noise(std::vector<Rng> streams);

struct SampledStep {
  torch::Tensor sample;  // x at the next level, like x
  torch::Tensor x0;      // the picture as predicted in this step, like x
};

class Sampler {
 public:
  // By config.class_name. Throws Error(kConfig) for a class that we do not have (the list is in the
  // message) and for options that are not supported.
  static std::unique_ptr<Sampler> make(const SchedulerConfig& config);
  virtual ~Sampler() = default;

  // Throws Error(kUsage) unless 1 <= num_steps <= num_train_timesteps. num_steps() may differ from
  // it: PNDM evaluates once more, and a bound on the noise leaves steps out. image_seq_len: number
  // of tokens of the latent, needed with use_dynamic_shifting only.
  void set_timesteps(int64_t num_steps, std::optional<int64_t> image_seq_len = std::nullopt);

  int64_t num_steps() const { return static_cast<int64_t>(timesteps_.size()); }

  // What the denoiser takes in each step: 0 .. T - 1, for flow 0 .. T (t times
  // num_train_timesteps).
  const std::vector<double>& timesteps() const { return timesteps_; }

  // N(0, 1) noise is multiplied by it to start from.
  virtual double initial_sigma() const { return 1; }

  // What the denoiser gets to see of x in step i.
  virtual torch::Tensor scale_model_input(const torch::Tensor& x, int64_t i) const;

  // `noise` is needed by stochastic samplers only (DDPM, DDIM with eta, Euler ancestral):
  // Error(kRuntime) without.
  virtual SampledStep step(
      const torch::Tensor& model_output,  // [B, ..], as config.objective() says
      int64_t i, const torch::Tensor& x,  // [B, ..]
      const NoiseSource& noise = {}) = 0;

 protected:
  explicit Sampler(const SchedulerConfig& config) : config_(config) {}

  virtual void plan(int64_t num_steps,
                    std::optional<int64_t> image_seq_len) = 0;  // fills timesteps_

  torch::Tensor draw(const NoiseSource& noise, const torch::Tensor& x) const;  // like x

  SchedulerConfig config_;
  std::vector<double> timesteps_;
};

// `last` - 1 and downwards with stride num_train_timesteps / num_steps, rounded; fewer than
// num_steps where `last` is below num_train_timesteps.
std::vector<double> trailing_timesteps(int64_t last, int64_t num_train_timesteps,
                                       int64_t num_steps);

// Timesteps of `spacing` over [0, num_train_timesteps), descending (Lin et al. 2024, table 2);
// those of linspace are not rounded.
std::vector<double> spaced_timesteps(const SchedulerConfig& config, int64_t num_steps);

}  // namespace reasonbrain::diffusion
