#include "nn/norm.h"

namespace reasonbrain::nn {

LayerNormImpl::LayerNormImpl(int64_t width, double eps, const Build& build) : eps_(eps) {
  weight = parameter("weight", {width}, build.tensor, Init::ones());
  bias = parameter("bias", {width}, build.tensor, Init::zeros());
}

torch::Tensor LayerNormImpl::forward(const torch::Tensor& x) {
  return at::layer_norm(x, {weight.size(0)}, weight, bias, eps_);
}

RMSNormImpl::RMSNormImpl(int64_t width, double eps, const Build& build) : eps_(eps) {
  weight = parameter("weight", {width}, build.tensor, Init::ones());
}

torch::Tensor RMSNormImpl::forward(const torch::Tensor& x) {
  if (x.scalar_type() == torch::kFloat32) return at::rms_norm(x, {weight.size(0)}, weight, eps_);
  const torch::Tensor wide = x.to(torch::kFloat32);
  return weight * at::rms_norm(wide, {weight.size(0)}, {}, eps_).to(x.scalar_type());
}

GroupNormImpl::GroupNormImpl(int64_t groups, int64_t channels, double eps, const Build& build)
    : groups_(groups), eps_(eps) {
  weight = parameter("weight", {channels}, build.tensor, Init::ones());
  bias = parameter("bias", {channels}, build.tensor, Init::zeros());
}

torch::Tensor GroupNormImpl::forward(const torch::Tensor& x) {
  return at::group_norm(x, groups_, weight, bias, eps_, /*cudnn_enabled=*/false);
}

}  // namespace reasonbrain::nn
