#include "optim/clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace reasonbrain::optim {
namespace {

NamedTensors with_gradients(const std::vector<std::vector<float>>& gradients) {
  NamedTensors parameters;
  for (const auto& gradient : gradients) {
    torch::Tensor parameter = torch::zeros({static_cast<int64_t>(gradient.size())});
    parameter.set_requires_grad(true);
    parameter.mutable_grad() = torch::tensor(gradient);
    parameters.emplace_back("p" + std::to_string(parameters.size()), parameter);
  }
  return parameters;
}

TEST(GradientNorm, IsThatOfAllGradientsTogether) {
  NamedTensors parameters = with_gradients({{3, 0}, {0, 4, 0}});
  parameters.emplace_back("without", torch::zeros({2}).set_requires_grad(true));
  torch::Tensor half = torch::zeros({1}, torch::kBFloat16).set_requires_grad(true);
  half.mutable_grad() = torch::full({1}, 12, torch::kBFloat16);
  parameters.emplace_back("half", half);
  EXPECT_FLOAT_EQ(gradient_norm(parameters).item<float>(), 13);
}

TEST(GradientNorm, IsZeroWithoutGradients) {
  EXPECT_EQ(gradient_norm({}).item<float>(), 0);
  EXPECT_EQ(gradient_norm({{"p", torch::zeros({2}).set_requires_grad(true)}}).item<float>(), 0);
}

TEST(GradientNorm, IsNotFiniteWhenOneElementIsNot) {
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_FALSE(std::isfinite(gradient_norm(with_gradients({{1, 2}, {3, bad}})).item<float>()));
  }
}

TEST(ClipGradients, ScalesDownToTheLargestNormAndNeverUp) {
  NamedTensors parameters = with_gradients({{3, 0}, {0, 4}});
  clip_gradients(parameters, /*norm=*/5, /*max_norm=*/1);
  EXPECT_NEAR(gradient_norm(parameters).item<float>(), 1, 1e-6);
  EXPECT_NEAR(parameters[0].second.grad()[0].item<float>(), 0.6, 1e-6);

  for (double max_norm : {7.0, 0.0}) {
    parameters = with_gradients({{3, 0}, {0, 4}});
    clip_gradients(parameters, /*norm=*/5, max_norm);
    EXPECT_EQ(gradient_norm(parameters).item<float>(), 5) << max_norm;
  }
}

}  // namespace
}  // namespace reasonbrain::optim
