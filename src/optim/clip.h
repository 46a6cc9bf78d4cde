// The norm of all gradients together, and clipping by it (Pascanu et al. 2013).
#pragma once

#include <torch/types.h>

#include "optim/named_tensors.h"

namespace reasonbrain::optim {

// L2 norm over every gradient that is defined, a float32 scalar on the device of the first
// parameter: nothing waits for the device. Not finite as soon as one gradient element is not.
torch::Tensor gradient_norm(const NamedTensors& parameters);

// Scales every gradient by max_norm / norm when norm exceeds max_norm. max_norm 0 means no
// clipping.
void clip_gradients(const NamedTensors& parameters, double norm, double max_norm);

}  // namespace reasonbrain::optim
