// Tensors drawn from a keyed stream, on the CPU in float32.
#pragma once

#include <torch/types.h>

#include "core/rng.h"

namespace reasonbrain {

torch::Tensor randn(Rng& rng, torch::IntArrayRef sizes);                          // N(0, 1)
torch::Tensor rand(Rng& rng, torch::IntArrayRef sizes, double low, double high);  // U[low, high)

}  // namespace reasonbrain
