#include "nn/rope.h"

namespace reasonbrain::nn {

torch::Tensor rope_inverse_frequency(int64_t head_dim, double theta,
                                     const torch::TensorOptions& options) {
  const auto wide = options.dtype(torch::kFloat32);
  const torch::Tensor exponent = at::arange(0, head_dim, 2, wide) / static_cast<double>(head_dim);
  return 1.0 / at::pow(theta, exponent);
}

std::pair<torch::Tensor, torch::Tensor> rope_tables(const torch::Tensor& position_ids,
                                                    const torch::Tensor& inverse_frequency) {
  const torch::Tensor angle =
      position_ids.to(torch::kFloat32).unsqueeze(-1) * inverse_frequency;  // [B, T, D/2]
  const torch::Tensor both = at::cat({angle, angle}, -1);
  return {both.cos(), both.sin()};
}

torch::Tensor apply_rope(const torch::Tensor& x, const torch::Tensor& cos,
                         const torch::Tensor& sin) {
  const int64_t half = x.size(-1) / 2;
  const torch::Tensor rotated = at::cat({-x.narrow(-1, half, half), x.narrow(-1, 0, half)}, -1);
  return x * cos.to(x.scalar_type()).unsqueeze(1) + rotated * sin.to(x.scalar_type()).unsqueeze(1);
}

}  // namespace reasonbrain::nn
