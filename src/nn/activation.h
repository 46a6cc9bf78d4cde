// Activations by the names that Hugging Face configurations use.
#pragma once

#include <torch/types.h>

#include <string>

namespace reasonbrain::nn {

enum class Activation { kGelu, kGeluTanh, kQuickGelu, kSilu, kRelu };

// gelu (exact), gelu_new | gelu_pytorch_tanh, quick_gelu, silu | swish, relu.
// Throws Error(kData) naming an activation that is not one of them, and the option that asks for
// it.
Activation parse_activation(const std::string& name, const std::string& option = "activation");

torch::Tensor activate(const torch::Tensor& x, Activation activation);

}  // namespace reasonbrain::nn
