#include "nn/linear.h"

#include <cmath>

namespace reasonbrain::nn {

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features, bool bias_, const Build& build)
    : in_features_(in_features), out_features_(out_features) {
  weight = parameter("weight", {out_features, in_features}, build.tensor, build.weight);
  set_fan_in("weight", static_cast<double>(in_features));
  if (bias_) {
    const bool fan_in = build.weight.kind == Init::Kind::kFanIn;
    bias = parameter("bias", {out_features}, build.tensor, fan_in ? build.weight : Init::zeros());
    set_fan_in("bias", static_cast<double>(in_features));
  }
}

torch::Tensor LinearImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = at::linear(x, weight, bias);
  if (has_lora()) y = y + at::linear(at::linear(x, lora_A), lora_B) * lora_scale;
  return y;
}

void LinearImpl::attach_lora(int64_t rank, double scale) {
  const auto options = weight.options().requires_grad(false);
  lora_A = parameter("lora_A", {rank, in_features_}, options, Init::fan_in());
  set_fan_in("lora_A", static_cast<double>(in_features_));
  lora_B = parameter("lora_B", {out_features_, rank}, options, Init::zeros());
  lora_scale = scale;
}

void LinearImpl::merge_lora() {
  torch::NoGradGuard no_grad;
  const torch::Tensor delta =
      at::matmul(lora_B.to(torch::kFloat32), lora_A.to(torch::kFloat32)) * lora_scale;
  weight.copy_(weight.to(torch::kFloat32) + delta);
  unregister_parameter("lora_A");
  unregister_parameter("lora_B");
  lora_A = torch::Tensor();
  lora_B = torch::Tensor();
}

}  // namespace reasonbrain::nn
