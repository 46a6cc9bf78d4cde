#include "optim/adamw.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adamw.h>

#include <stdexcept>
#include <utility>

namespace reasonbrain::optim {

void AdamW::add_group(const NamedTensors& parameters, double lr_scale, double weight_decay) {
  std::map<std::pair<std::string, torch::ScalarType>, Bucket> by_kind;
  for (const auto& [name, parameter] : parameters) {
    for (const auto& known : parameters_) {
      if (known.first == name) throw std::logic_error("parameter in two groups: " + name);
    }
    parameters_.emplace_back(name, parameter);
    Bucket& bucket = by_kind[{parameter.device().str(), parameter.scalar_type()}];
    bucket.names.push_back(name);
    bucket.parameters.push_back(parameter);
    bucket.exp_avgs.push_back(torch::zeros_like(parameter.detach()));
    bucket.exp_avg_sqs.push_back(torch::zeros_like(parameter.detach()));
    bucket.steps.push_back(torch::zeros({}, parameter.options().dtype(torch::kFloat32)));
  }
  for (auto& entry : by_kind) {
    entry.second.lr_scale = lr_scale;
    entry.second.weight_decay = weight_decay;
    buckets_.push_back(std::move(entry.second));
  }
}

void AdamW::step(double lr) {
  torch::NoGradGuard no_grad;
  for (const Bucket& bucket : buckets_) step_bucket(bucket, lr * bucket.lr_scale);
}

void AdamW::step_bucket(const Bucket& bucket, double lr) const {
  std::vector<torch::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  for (size_t i = 0; i < bucket.parameters.size(); ++i) {
    const torch::Tensor& gradient = bucket.parameters[i].grad();
    if (!gradient.defined()) continue;
    parameters.push_back(bucket.parameters[i]);
    gradients.push_back(gradient);
    exp_avgs.push_back(bucket.exp_avgs[i]);
    exp_avg_sqs.push_back(bucket.exp_avg_sqs[i]);
    steps.push_back(bucket.steps[i]);
  }
  if (parameters.empty()) return;
  at::_foreach_add_(steps, 1);
  at::_fused_adamw_(parameters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps, lr,
                    options_.beta1, options_.beta2, bucket.weight_decay, options_.eps,
                    /*amsgrad=*/false, /*maximize=*/false);
}

void AdamW::zero_grad() {
  for (auto& entry : parameters_) entry.second.mutable_grad() = torch::Tensor();
}

TensorMap AdamW::state() const {
  TensorMap state;
  for (const Bucket& bucket : buckets_) {
    for (size_t i = 0; i < bucket.names.size(); ++i) {
      state[bucket.names[i] + ".exp_avg"] = bucket.exp_avgs[i];
      state[bucket.names[i] + ".exp_avg_sq"] = bucket.exp_avg_sqs[i];
      state[bucket.names[i] + ".step"] = bucket.steps[i];
    }
  }
  return state;
}

void AdamW::load_state(const TensorMap& saved) {
  copy_by_name(state(), saved, "optimizer state");
}

}  // namespace reasonbrain::optim
