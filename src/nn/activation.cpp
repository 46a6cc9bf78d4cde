#include "nn/activation.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>
#include <vector>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::nn {
namespace {

constexpr std::pair<const char*, Activation> kNames[] = {
    {"gelu", Activation::kGelu},
    {"gelu_python", Activation::kGelu},
    {"gelu_10", Activation::kGelu10},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"gelu_accurate", Activation::kGeluTanh},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_python_tanh", Activation::kGeluTanh},
    {"quick_gelu", Activation::kQuickGelu},
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
    {"mish", Activation::kMish},
    {"relu", Activation::kRelu},
    {"relu2", Activation::kRelu2},
    {"relu6", Activation::kRelu6},
    {"leaky_relu", Activation::kLeakyRelu},
    {"hardswish", Activation::kHardswish},
    {"sigmoid", Activation::kSigmoid},
    {"tanh", Activation::kTanh},
    {"linear", Activation::kLinear},
    {"laplace", Activation::kLaplace},
    {"sqrtsoftplus", Activation::kSqrtSoftplus},
};

}  // namespace

Activation parse_activation(const std::string& name, const std::string& option) {
  std::string small = name;
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<std::string> known;
  for (const auto& [known_name, activation] : kNames) {
    if (small == known_name) return activation;
    known.emplace_back(known_name);
  }
  throw data_error(
      str(option, " '", name, "' is not supported; expected one of ", join(known, ", ")));
}

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kGelu10:
      return at::gelu(x).clamp(-10, 10);
    case Activation::kQuickGelu:
      return x * at::sigmoid(x * 1.702);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kMish:
      return at::mish(x);
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kRelu2:
      return at::relu(x).square();
    case Activation::kRelu6:
      return at::relu6(x);
    case Activation::kLeakyRelu:
      return at::leaky_relu(x);
    case Activation::kHardswish:
      return at::hardswish(x);
    case Activation::kSigmoid:
      return at::sigmoid(x);
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kLinear:
      return x;
    case Activation::kLaplace:
      return 0.5 * (1 + at::erf((x - 0.707107) / (0.282095 * std::sqrt(2.0))));
    case Activation::kSqrtSoftplus:
      return at::softplus(x).sqrt();
  }
  return x;
}

}  // namespace reasonbrain::nn
