#include "optim/clip.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <map>
#include <string>
#include <vector>

namespace reasonbrain::optim {
namespace {

// Foreach kernels want lists of one device and dtype.
std::vector<std::vector<torch::Tensor>> gradients_by_kind(const NamedTensors& parameters) {
  std::map<std::pair<std::string, torch::ScalarType>, std::vector<torch::Tensor>> by_kind;
  for (const auto& entry : parameters) {
    const torch::Tensor& gradient = entry.second.grad();
    if (!gradient.defined()) continue;
    by_kind[{gradient.device().str(), gradient.scalar_type()}].push_back(gradient);
  }
  std::vector<std::vector<torch::Tensor>> lists;
  for (auto& entry : by_kind) lists.push_back(std::move(entry.second));
  return lists;
}

}  // namespace

torch::Tensor gradient_norm(const NamedTensors& parameters) {
  torch::NoGradGuard no_grad;
  const auto device = parameters.empty() ? torch::kCPU : parameters.front().second.device();
  std::vector<torch::Tensor> norms;
  for (const auto& gradients : gradients_by_kind(parameters)) {
    for (const torch::Tensor& norm : at::_foreach_norm(gradients, /*ord=*/2, torch::kFloat32)) {
      norms.push_back(norm.to(device));
    }
  }
  if (norms.empty()) return torch::zeros({}, torch::TensorOptions(device).dtype(torch::kFloat32));
  return at::linalg_vector_norm(at::stack(norms), /*ord=*/2);
}

void clip_gradients(const NamedTensors& parameters, double norm, double max_norm) {
  if (max_norm <= 0 || norm <= max_norm) return;
  torch::NoGradGuard no_grad;
  for (const auto& gradients : gradients_by_kind(parameters)) {
    at::_foreach_mul_(gradients, max_norm / norm);
  }
}

}  // namespace reasonbrain::optim
