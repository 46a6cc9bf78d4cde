// The samplers behind Sampler::make, each by its diffusers class.
#pragma once

#include "diffusion/sampler.h"

namespace reasonbrain::diffusion {

// What the samplers at integer timesteps share: products of alpha, and one stride between steps.
class AlphaBarSampler : public Sampler {
 protected:
  explicit AlphaBarSampler(const SchedulerConfig& config);

  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;
  double alpha_bar(int64_t timestep) const;   // of a negative timestep: where sampling ends
  int64_t stride() const { return stride_; }  // num_train_timesteps / num_steps

 private:
  std::vector<double> alphas_cumprod_;
  int64_t stride_ = 0;
};

// Song et al. 2021; DDIMScheduler.
class DdimSampler : public AlphaBarSampler {
 public:
  explicit DdimSampler(const SchedulerConfig& config) : AlphaBarSampler(config) {}
  SampledStep step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                   const NoiseSource& noise) override;
};

// Ho et al. 2020, by posterior sampling; DDPMScheduler.
class DdpmSampler : public AlphaBarSampler {
 public:
  explicit DdpmSampler(const SchedulerConfig& config) : AlphaBarSampler(config) {}
  SampledStep step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                   const NoiseSource& noise) override;
};

// Linear multistep (Liu et al. 2022) without the Runge-Kutta start; PNDMScheduler as Stable
// Diffusion uses it. One step more than asked for. Steps must follow each other.
class PndmSampler : public AlphaBarSampler {
 public:
  explicit PndmSampler(const SchedulerConfig& config) : AlphaBarSampler(config) {}
  SampledStep step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                   const NoiseSource& noise) override;

 protected:
  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;

 private:
  torch::Tensor combined(const torch::Tensor& output) const;

  std::vector<torch::Tensor> answers_;  // the last four
  torch::Tensor first_x_;
};

// Euler's method on the flow path; FlowMatchEulerDiscreteScheduler.
class FlowEulerSampler : public Sampler {
 public:
  explicit FlowEulerSampler(const SchedulerConfig& config) : Sampler(config) {}
  SampledStep step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
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
  void set_sigmas();                       // from timesteps_
  // Replaces both by num_steps levels of the config's own spacing between these bounds or its own.
  void spread(double largest, double least, int64_t num_steps);
  void end_sigmas(bool allow_sigma_min);  // appends the last one

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
  SampledStep step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                   const NoiseSource& noise) override;

 protected:
  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;

 private:
  bool ancestral_;
};

// DPM-Solver++ multistep, midpoint or Heun (Lu et al. 2022); DPMSolverMultistepScheduler. Steps
// must follow each other.
class DpmSolverSampler : public SigmaSampler {
 public:
  explicit DpmSolverSampler(const SchedulerConfig& config) : SigmaSampler(config) {}
  SampledStep step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                   const NoiseSource& noise) override;

 protected:
  void plan(int64_t num_steps, std::optional<int64_t> image_seq_len) override;

 private:
  int64_t order(int64_t i) const;  // of step i

  std::vector<torch::Tensor> past_;  // x0 of the steps before, the last one first
};

}  // namespace reasonbrain::diffusion
