#include "reason/image_adapter.h"

#include <cmath>

namespace reasonbrain::reason {

ImageAdapterImpl::ImageAdapterImpl(const ImageAdapterOptions& options, int64_t vision_width,
                                   int64_t llm_width, const nn::Build& build)
    : pool_(options.pool),
      linear_1_(
          register_module("linear_1", nn::Linear(vision_width, llm_width, /*bias=*/true, build))) {
  if (options.type == ProjectorType::kMlp2xGelu) {
    linear_2_ = register_module("linear_2", nn::Linear(llm_width, llm_width, /*bias=*/true, build));
  }
}

torch::Tensor ImageAdapterImpl::forward(const torch::Tensor& patches) {
  torch::Tensor x = patches;
  if (pool_ > 1) {
    const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(x.size(1)))));
    x = x.transpose(1, 2).reshape({x.size(0), x.size(2), side, side});
    x = at::avg_pool2d(x, {pool_, pool_}).flatten(2).transpose(1, 2);
  }
  x = linear_1_(x);
  return linear_2_.is_empty() ? x : linear_2_(at::gelu(x));
}

}  // namespace reasonbrain::reason
