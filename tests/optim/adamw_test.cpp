#include "optim/adamw.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng_tensor.h"
#include "reasonbrain/error.h"

namespace reasonbrain::optim {
namespace {

struct PlainAdamW {  // one element in double precision, straight from the paper's Algorithm 2
  double value, m = 0, v = 0;
  int step = 0;

  void update(double gradient, double lr, const AdamWOptions& options, double decay) {
    ++step;
    value -= lr * decay * value;
    m = options.beta1 * m + (1 - options.beta1) * gradient;
    v = options.beta2 * v + (1 - options.beta2) * gradient * gradient;
    const double m_hat = m / (1 - std::pow(options.beta1, step));
    const double v_hat = v / (1 - std::pow(options.beta2, step));
    value -= lr * m_hat / (std::sqrt(v_hat) + options.eps);
  }
};

torch::Tensor random_parameter(uint64_t seed, torch::IntArrayRef sizes) {
  Rng rng(seed);
  return randn(rng, sizes).set_requires_grad(true);
}

TEST(AdamW, EqualsThePaperInDoublePrecision) {
  const AdamWOptions options{.beta1 = 0.85, .beta2 = 0.97, .eps = 1e-6};
  struct Group {
    double lr_scale, decay;
  };
  const Group groups[] = {{1, 0.1}, {0.3, 0}};
  std::vector<torch::Tensor> parameters;
  std::vector<std::vector<PlainAdamW>> plain;
  AdamW optimizer(options);
  for (size_t g = 0; g < 2; ++g) {
    parameters.push_back(random_parameter(g, {3, 5}));
    const float* values = parameters[g].const_data_ptr<float>();
    auto& elements = plain.emplace_back();
    for (int64_t i = 0; i < 15; ++i) elements.push_back({.value = values[i]});
    optimizer.add_group({{g == 0 ? "a" : "b", parameters[g]}}, groups[g].lr_scale, groups[g].decay);
  }
  Rng rng(5);
  for (int step = 0; step < 60; ++step) {
    const double lr = 0.01 * (1 + step % 3);
    for (size_t g = 0; g < 2; ++g) {
      const torch::Tensor gradient = randn(rng, {3, 5});
      parameters[g].mutable_grad() = gradient;
      for (int64_t i = 0; i < 15; ++i) {
        plain[g][static_cast<size_t>(i)].update(gradient.const_data_ptr<float>()[i],
                                                lr * groups[g].lr_scale, options, groups[g].decay);
      }
    }
    optimizer.step(lr);
  }
  for (size_t g = 0; g < 2; ++g) {
    for (size_t i = 0; i < 15; ++i) {
      EXPECT_NEAR(parameters[g].const_data_ptr<float>()[i], plain[g][i].value, 5e-6);
    }
  }
}

TEST(AdamW, PassesOverParametersWithoutAGradient) {
  torch::Tensor used = random_parameter(1, {4}), unused = random_parameter(2, {4});
  const torch::Tensor before = unused.detach().clone();
  AdamW optimizer({});
  optimizer.add_group({{"used", used}, {"unused", unused}}, 1, /*weight_decay=*/0.5);
  used.mutable_grad() = torch::ones({4});
  optimizer.step(0.1);
  EXPECT_TRUE(unused.equal(before));
  EXPECT_EQ(optimizer.state().at("used.step").item<float>(), 1);
  EXPECT_EQ(optimizer.state().at("unused.step").item<float>(), 0);
  optimizer.zero_grad();
  EXPECT_FALSE(used.grad().defined());
}

TEST(AdamW, StateRoundTripContinuesToTheBit) {
  torch::Tensor a = random_parameter(1, {6}), b = a.detach().clone().set_requires_grad(true);
  AdamW first({}), second({});
  first.add_group({{"w", a}}, 1, 0.01);
  second.add_group({{"w", b}}, 1, 0.01);
  Rng rng(9);
  const auto step = [](AdamW& optimizer, torch::Tensor& parameter, const torch::Tensor& gradient) {
    parameter.mutable_grad() = gradient.clone();
    optimizer.step(0.05);
  };
  for (int i = 0; i < 3; ++i) step(first, a, randn(rng, {6}));
  b.set_data(a.detach().clone());
  second.load_state(first.state());
  for (int i = 0; i < 3; ++i) {
    const torch::Tensor gradient = randn(rng, {6});
    step(first, a, gradient);
    step(second, b, gradient);
  }
  EXPECT_TRUE(a.equal(b));
}

TEST(AdamW, RefusesTheStateOfOtherParameters) {
  AdamW one({}), other({}), wider({});
  one.add_group({{"w", random_parameter(1, {6})}}, 1, 0);
  other.add_group({{"x", random_parameter(1, {6})}}, 1, 0);
  wider.add_group({{"w", random_parameter(1, {7})}}, 1, 0);
  for (const AdamW* wrong : {&other, &wider}) {
    try {
      one.load_state(wrong->state());
      FAIL() << "no error";
    } catch (const Error& problem) {
      EXPECT_EQ(problem.kind(), ErrorKind::kData);
      EXPECT_NE(std::string(problem.what()).find("'w.exp_avg'"), std::string::npos)
          << problem.what();
    }
  }
  EXPECT_THROW(one.add_group({{"w", random_parameter(3, {2})}}, 1, 0), std::logic_error);
}

}  // namespace
}  // namespace reasonbrain::optim
