#include "optim/ema.h"

#include <ATen/ops/_foreach_lerp.h>

#include <algorithm>
#include <utility>

namespace reasonbrain::optim {

double ema_decay_at(double decay, int64_t step) {
  const auto s = static_cast<double>(step);
  return std::min(decay, (1 + s) / (10 + s));
}

Ema::Ema(NamedTensors parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  for (const auto& entry : parameters_) {
    averages_.push_back(entry.second.detach().to(torch::kFloat32, /*non_blocking=*/false,
                                                 /*copy=*/true));
  }
}

void Ema::update(int64_t step) {
  if (averages_.empty()) return;
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> values;
  values.reserve(parameters_.size());
  for (const auto& entry : parameters_) {
    values.push_back(entry.second.detach().to(torch::kFloat32));
  }
  at::_foreach_lerp_(averages_, values, 1 - ema_decay_at(decay_, step));
}

TensorMap Ema::state() const {
  TensorMap state;
  for (size_t i = 0; i < averages_.size(); ++i) state[parameters_[i].first] = averages_[i];
  return state;
}

void Ema::load_state(const TensorMap& saved) {
  copy_by_name(state(), saved, "EMA state");
}

void Ema::copy_to_parameters() const {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < averages_.size(); ++i) parameters_[i].second.copy_(averages_[i]);
}

EmaScope::EmaScope(Ema* ema) : ema_(ema) {
  if (ema_ == nullptr) return;
  torch::NoGradGuard no_grad;
  for (const auto& entry : ema_->parameters_) own_.push_back(entry.second.detach().clone());
  ema_->copy_to_parameters();
}

EmaScope::~EmaScope() {
  if (ema_ == nullptr) return;
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < own_.size(); ++i) ema_->parameters_[i].second.copy_(own_[i]);
}

}  // namespace reasonbrain::optim
