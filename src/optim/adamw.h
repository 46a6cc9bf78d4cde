// AdamW (Loshchilov and Hutter 2019, decoupled weight decay) through LibTorch's fused kernel.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "optim/named_tensors.h"

namespace reasonbrain::optim {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.99;
  double eps = 1e-8;
};

// Moments have the dtype and device of their parameter. A parameter without a gradient is passed
// over: neither decayed nor counted as a step, as in torch.optim.
class AdamW {
 public:
  explicit AdamW(const AdamWOptions& options) : options_(options) {}

  // lr_scale multiplies the learning rate of step(). Names must be unique over all groups.
  void add_group(const NamedTensors& parameters, double lr_scale, double weight_decay);

  void step(double lr);
  void zero_grad();  // gradients become undefined, not zero

  // NAME.exp_avg, NAME.exp_avg_sq, NAME.step (scalar float32) of every parameter: the live tensors.
  TensorMap state() const;
  void load_state(const TensorMap& state);  // Error(kData) when names or shapes differ

  const NamedTensors& parameters() const { return parameters_; }  // of all groups

 private:
  // Parameters of one group that share dtype and device: one kernel call.
  struct Bucket {
    double lr_scale, weight_decay;
    std::vector<std::string> names;
    std::vector<torch::Tensor> parameters, exp_avgs, exp_avg_sqs, steps;
  };

  void step_bucket(const Bucket& bucket, double lr) const;

  AdamWOptions options_;
  std::vector<Bucket> buckets_;
  NamedTensors parameters_;
};

}  // namespace reasonbrain::optim
