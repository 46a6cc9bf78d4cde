// The samplers behind Sampler::make, each by its diffusers class.
#pragma once

#include "diffusion/sampler.h"

namespace reasonbrain::diffusion {

// Song et al. 2021; DDIMScheduler.
class DdimSampler : public Sampler {
 public:
  explicit DdimSampler(const SchedulerConfig& config);
  StepResult step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                  const NoiseSource& noise) override;

 protected:
  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;

 private:
  double alpha_bar(int64_t timestep) const;  // of a negative timestep: where sampling ends

  std::vector<double> alphas_cumprod_;
};

// Euler's method on the flow path; FlowMatchEulerDiscreteScheduler.
class FlowEulerSampler : public Sampler {
 public:
  explicit FlowEulerSampler(const SchedulerConfig& config) : Sampler(config) {}
  StepResult step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                  const NoiseSource& noise) override;

 protected:
  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;

 private:
  double shifted(double t, double mu) const;

  std::vector<double> sigmas_;  // n + 1, from 1 down to 0
};

// What the samplers in sigma = sqrt((1 - abar) / abar) share (Karras et al. 2022): x = x0 + sigma
// eps.
class SigmaSampler : public Sampler {
 protected:
  explicit SigmaSampler(const SchedulerConfig& config);

  double sigma_at(double timestep) const;  // between levels by linear interpolation
  void set_sigmas(bool allow_sigma_min);   // from timesteps_, with the last one

  std::vector<double> alphas_cumprod_;
  std::vector<double> sigmas_;  // n + 1
};

// EulerDiscreteScheduler; with fresh noise in every step EulerAncestralDiscreteScheduler.
class EulerSampler : public SigmaSampler {
 public:
  EulerSampler(const SchedulerConfig& config, bool ancestral)
      : SigmaSampler(config), ancestral_(ancestral) {}
  double initial_sigma() const override;
  torch::Tensor scale_model_input(const torch::Tensor& x, int64_t i) const override;
  StepResult step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                  const NoiseSource& noise) override;

 protected:
  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;

 private:
  bool ancestral_;
};

// DPM-Solver++ 2M, midpoint (Lu et al. 2022); DPMSolverMultistepScheduler. Steps must follow each
// other.
class DpmSolverSampler : public SigmaSampler {
 public:
  explicit DpmSolverSampler(const SchedulerConfig& config) : SigmaSampler(config) {}
  StepResult step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                  const NoiseSource& noise) override;

 protected:
  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;

 private:
  bool first_order(int64_t i) const;

  torch::Tensor previous_x0_;  // of the step before
};

}  // namespace reasonbrain::diffusion
