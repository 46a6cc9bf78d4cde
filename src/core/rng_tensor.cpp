#include "core/rng_tensor.h"

namespace reasonbrain {
namespace {

template <class Draw>
torch::Tensor fill(torch::IntArrayRef sizes, Draw draw) {
  torch::Tensor out = torch::empty(sizes, torch::kFloat32);
  float* data = out.data_ptr<float>();
  for (int64_t i = 0, n = out.numel(); i < n; ++i) data[i] = static_cast<float>(draw());
  return out;
}

}  // namespace

torch::Tensor randn(Rng& rng, torch::IntArrayRef sizes) {
  return fill(sizes, [&] { return rng.normal(); });
}

torch::Tensor rand(Rng& rng, torch::IntArrayRef sizes, double low, double high) {
  return fill(sizes, [&] { return low + (high - low) * rng.uniform(); });
}

}  // namespace reasonbrain
