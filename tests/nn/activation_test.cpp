#include "nn/activation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "core/expect_error.h"

namespace reasonbrain::nn {
namespace {

TEST(Activation, EveryNameIsTheReferencesFunction) {
  const double root = std::sqrt(2 / M_PI);
  const auto gelu = [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); };
  const auto tanh_gelu = [&](double x) {
    return 0.5 * x * (1 + std::tanh(root * (x + 0.044715 * x * x * x)));
  };
  const auto silu = [](double x) { return x / (1 + std::exp(-x)); };
  const auto relu = [](double x) { return std::max(x, 0.0); };
  const std::vector<std::pair<const char*, std::function<double(double)>>> expected = {
      {"gelu", gelu},
      {"gelu_python", gelu},
      {"gelu_10", [&](double x) { return std::min(gelu(x), 10.0); }},
      {"gelu_new", tanh_gelu},
      {"gelu_fast", tanh_gelu},
      {"gelu_accurate", tanh_gelu},
      {"gelu_pytorch_tanh", tanh_gelu},
      {"gelu_python_tanh", tanh_gelu},
      {"quick_gelu", [](double x) { return x / (1 + std::exp(-1.702 * x)); }},
      {"silu", silu},
      {"swish", silu},
      {"SiLU", silu},
      {"mish", [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }},
      {"relu", relu},
      {"relu2", [&](double x) { return relu(x) * relu(x); }},
      {"relu6", [&](double x) { return std::min(relu(x), 6.0); }},
      {"leaky_relu", [](double x) { return x > 0 ? x : 0.01 * x; }},
      {"hardswish", [&](double x) { return x * std::min(relu(x + 3), 6.0) / 6; }},
      {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"linear", [](double x) { return x; }},
      {"laplace",
       [](double x) { return 0.5 * (1 + std::erf((x - 0.707107) / (0.282095 * std::sqrt(2.0)))); }},
      {"sqrtsoftplus", [](double x) { return std::sqrt(std::log1p(std::exp(x))); }}};
  for (const auto& [name, function] : expected) {
    for (const double x : {-4.0, -0.7, 0.0, 0.3, 2.5, 12.0}) {
      const torch::Tensor y = activate(at::full({1}, x, torch::kFloat64), parse_activation(name));
      EXPECT_NEAR(y.item<double>(), function(x), 1e-9) << name << " of " << x;
    }
  }
}

TEST(Activation, UnknownNamesAreRefusedWithThoseThatAreKnown) {
  EXPECT_ERROR(parse_activation("xielu", "hidden_act"), kData, "hidden_act 'xielu'");
  EXPECT_ERROR(parse_activation("xielu"), kData, "gelu_accurate, gelu_pytorch_tanh");
}

}  // namespace
}  // namespace reasonbrain::nn
