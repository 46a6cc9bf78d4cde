// How many bytes of intermediate results a forward pass leaves for the backward pass.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

namespace reasonbrain::cli {

// Runs `forward` and sums the outputs of its operations that need a gradient, each storage once;
// works on the meta device, where it costs no memory. An estimate from above: some outputs are not
// kept. Attention counts its result only, as the fused kernels keep no table of weights.
int64_t activation_bytes(const std::function<void()>& forward);

}  // namespace reasonbrain::cli
