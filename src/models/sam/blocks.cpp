#include "models/sam/blocks.h"

namespace reasonbrain::models::sam {

MlpImpl::MlpImpl(int64_t width, int64_t inner, nn::Activation activation, const nn::Build& build)
    : activation_(activation) {
  lin1 = register_module("lin1", nn::Linear(width, inner, /*bias=*/true, build));
  lin2 = register_module("lin2", nn::Linear(inner, width, /*bias=*/true, build));
}

torch::Tensor MlpImpl::forward(const torch::Tensor& states) {
  return lin2(nn::activate(lin1(states), activation_));
}

FeedForwardImpl::FeedForwardImpl(int64_t in, int64_t inner, int64_t out, int64_t depth,
                                 const nn::Build& build) {
  proj_in = register_module("proj_in", nn::Linear(in, inner, /*bias=*/true, build));
  proj_out = register_module("proj_out", nn::Linear(inner, out, /*bias=*/true, build));
  layers = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 2; i < depth; ++i)
    layers->push_back(nn::Linear(inner, inner, /*bias=*/true, build));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  torch::Tensor states = at::relu(proj_in(x));
  for (size_t i = 0; i < layers->size(); ++i)
    states = at::relu(layers->ptr<nn::LinearImpl>(i)->forward(states));
  return proj_out(states);
}

torch::Tensor MapNormImpl::forward(const torch::Tensor& x) {
  return nn::LayerNormImpl::forward(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
}

UpConvImpl::UpConvImpl(int64_t in_channels, int64_t out_channels, const nn::Build& build) {
  constexpr int64_t kKernel = 2;
  weight = parameter("weight", {in_channels, out_channels, kKernel, kKernel}, build.tensor,
                     build.weight);
  bias = parameter("bias", {out_channels}, build.tensor, nn::Init::zeros());
  set_fan_in("weight", static_cast<double>(in_channels * kKernel * kKernel));
}

torch::Tensor UpConvImpl::forward(const torch::Tensor& x) {
  return at::conv_transpose2d(x, weight, bias, /*stride=*/2);
}

}  // namespace reasonbrain::models::sam
