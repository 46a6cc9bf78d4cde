// Activations by the names that Hugging Face configurations use.
#pragma once

#include <torch/types.h>

#include <string>

namespace reasonbrain::nn {

enum class Activation {
  kGelu,
  kGeluTanh,
  kGelu10,
  kQuickGelu,
  kSilu,
  kMish,
  kRelu,
  kRelu2,
  kRelu6,
  kLeakyRelu,
  kHardswish,
  kSigmoid,
  kTanh,
  kLinear,
  kLaplace,
  kSqrtSoftplus
};

// One of transformers' ACT2FN or diffusers' ACT2CLS without parameters of its own; capitals count
// as small letters, as in diffusers. Throws Error(kData) naming an activation that is none of them,
// and the option that asks for it.
Activation parse_activation(const std::string& name, const std::string& option = "activation");

torch::Tensor activate(const torch::Tensor& x, Activation activation);

}  // namespace reasonbrain::nn
