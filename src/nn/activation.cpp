#include "nn/activation.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::nn {

Activation parse_activation(const std::string& name, const std::string& option) {
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  if (name == "quick_gelu") return Activation::kQuickGelu;
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "relu") return Activation::kRelu;
  throw data_error(str(
      option, " '", name,
      "' is not supported; expected gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, silu or relu"));
}

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kQuickGelu:
      return x * at::sigmoid(x * 1.702);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kRelu:
      return at::relu(x);
  }
  return x;
}

}  // namespace reasonbrain::nn
