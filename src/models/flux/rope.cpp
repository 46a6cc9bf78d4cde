#include "models/flux/rope.h"

namespace reasonbrain::models::flux {
namespace {

constexpr double kTheta = 10000;

}  // namespace

torch::Tensor rotations(const torch::Tensor& ids, const std::vector<int64_t>& axes_dims) {
  const torch::Tensor positions = ids.to(torch::kFloat32).to(torch::kFloat64);
  std::vector<torch::Tensor> angles;
  for (size_t axis = 0; axis < axes_dims.size(); ++axis) {
    const int64_t dim = axes_dims[axis];
    const torch::Tensor exponent =
        at::arange(0, dim, 2, positions.options()) / static_cast<double>(dim);
    angles.push_back(at::outer(positions.select(1, static_cast<int64_t>(axis)),
                               at::pow(kTheta, exponent).reciprocal()));
  }
  const torch::Tensor angle = at::cat(angles, 1);
  // at::complex has no meta kernel.
  return at::view_as_complex(at::stack({angle.cos(), angle.sin()}, -1).to(torch::kFloat32));
}

torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& rotations) {
  const torch::Tensor pairs = at::view_as_complex(
      x.to(torch::kFloat32).view({x.size(0), x.size(1), x.size(2), x.size(3) / 2, 2}));
  return at::view_as_real(pairs * rotations.unsqueeze(1)).flatten(3).to(x.scalar_type());
}

}  // namespace reasonbrain::models::flux
