#include "optim/ema.h"

#include <gtest/gtest.h>

#include "core/rng_tensor.h"
#include "reasonbrain/error.h"

namespace reasonbrain::optim {
namespace {

TEST(Ema, EarlyStepsAverageOverAShorterTime) {
  EXPECT_DOUBLE_EQ(ema_decay_at(0.9, 1), 2.0 / 11);
  EXPECT_DOUBLE_EQ(ema_decay_at(0.9, 80), 0.9);
  EXPECT_DOUBLE_EQ(ema_decay_at(0.9, 100000), 0.9);
}

TEST(Ema, FollowsTheRecurrence) {
  torch::Tensor weight = torch::full({3}, 2.0f).set_requires_grad(true);
  Ema ema({{"w", weight}}, 0.6);
  double expected = 2;
  Rng rng(3);
  for (int64_t step = 1; step <= 30; ++step) {
    const double value = rng.normal();
    weight.set_data(torch::full({3}, value, torch::kFloat32));
    ema.update(step);
    const double decay = std::min(0.6, (1.0 + step) / (10.0 + step));
    expected = decay * expected + (1 - decay) * value;
  }
  EXPECT_NEAR(ema.state().at("w")[1].item<float>(), expected, 1e-6);
  ema.copy_to_parameters();
  EXPECT_TRUE(weight.detach().equal(ema.state().at("w")));
}

TEST(Ema, TheScopeGivesTheParametersBackToTheBit) {
  Rng rng(4);
  torch::Tensor weight = randn(rng, {5}).set_requires_grad(true);
  torch::Tensor half = randn(rng, {5}).to(torch::kBFloat16).set_requires_grad(true);
  Ema ema({{"w", weight}, {"h", half}}, 0.5);
  const torch::Tensor average = weight.detach().clone();
  weight.set_data(randn(rng, {5}));
  half.set_data(randn(rng, {5}).to(torch::kBFloat16));
  const torch::Tensor own = weight.detach().clone(), own_half = half.detach().clone();
  {
    const EmaScope scope(&ema);
    EXPECT_TRUE(weight.detach().equal(average));
    EXPECT_FALSE(half.detach().equal(own_half));
  }
  EXPECT_TRUE(weight.detach().equal(own));
  EXPECT_TRUE(half.detach().equal(own_half));
  EXPECT_EQ(ema.state().at("h").scalar_type(), torch::kFloat32);
  const EmaScope nothing(nullptr);
  EXPECT_TRUE(weight.detach().equal(own));
}

TEST(Ema, RefusesTheStateOfOtherParameters) {
  Ema ema({{"w", torch::zeros({2})}}, 0.5);
  EXPECT_THROW(ema.load_state({}), Error);
  EXPECT_THROW(ema.load_state({{"w", torch::zeros({3})}}), Error);
  EXPECT_THROW(ema.load_state({{"w", torch::zeros({2})}, {"v", torch::zeros({2})}}), Error);
  ema.load_state({{"w", torch::ones({2})}});
  EXPECT_TRUE(ema.state().at("w").equal(torch::ones({2})));
}

}  // namespace
}  // namespace reasonbrain::optim
