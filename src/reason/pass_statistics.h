// What token selection and propagation did in one pass of the language model, for the logs.
#pragma once

#include <torch/types.h>

namespace reasonbrain::reason {

// Each [B], or [1] where it is the same for all samples; undefined where nothing acted.
struct PassStatistics {
  torch::Tensor kept_mass;       // share of the eligible tokens' score that the kept ones hold
  torch::Tensor factor_mean;     // over layers and heads
  torch::Tensor factor_max;      // over layers and heads
  torch::Tensor factor_clamped;  // share of heads at the clamp; of the form relative alone
};

}  // namespace reasonbrain::reason
