#include "eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <limits>

#include "core/interrupt.h"
#include "reasonbrain/error.h"

namespace reasonbrain::eval {
namespace {

const double kUndefined = std::numeric_limits<double>::quiet_NaN();

Stratum coins(size_t heads, size_t tails) {
  Stratum stratum{1, std::vector<double>(heads, 1.0)};
  stratum.values.resize(heads + tails, 0.0);
  return stratum;
}

TEST(PooledMean, MacroIsTheMeanOfStratumMeansAndMicroOfSamples) {
  const std::vector<Stratum> strata = {{1, {1, 1, 0, 0}}, {1, {1}}};
  EXPECT_DOUBLE_EQ(*pooled_mean(strata, Pooling::kMacro)[0], 0.75);
  EXPECT_DOUBLE_EQ(*pooled_mean(strata, Pooling::kMicro)[0], 0.6);
}

TEST(PooledMean, UndefinedValuesAndStrataAreLeftOut) {
  const std::vector<Stratum> strata = {{2, {1, kUndefined, kUndefined, kUndefined}},
                                       {2, {0.5, kUndefined}}};
  const auto means = pooled_mean(strata, Pooling::kMacro);
  EXPECT_DOUBLE_EQ(*means[0], 0.75);
  EXPECT_FALSE(means[1].has_value());
  EXPECT_TRUE(pooled_mean({}, Pooling::kMacro).empty());
}

TEST(Bootstrap, ConstantValuesHaveAnIntervalWithoutWidth) {
  const auto interval = bootstrap_intervals({{1, {0.25, 0.25, 0.25}}}, Pooling::kMicro, 200, 1)[0];
  EXPECT_DOUBLE_EQ(interval->low, 0.25);
  EXPECT_DOUBLE_EQ(interval->high, 0.25);
}

TEST(Bootstrap, WidthAgreesWithTheNormalApproximationOfAShare) {
  const auto interval = bootstrap_intervals({coins(200, 200)}, Pooling::kMicro, 10'000, 7)[0];
  const double half_width = 1.96 * std::sqrt(0.25 / 400);
  EXPECT_NEAR(interval->low, 0.5 - half_width, 0.005);
  EXPECT_NEAR(interval->high, 0.5 + half_width, 0.005);
}

TEST(Bootstrap, StrataKeepTheirSizes) {
  // Each stratum is constant: without stratification the mean would vary.
  const auto interval =
      bootstrap_intervals({coins(30, 0), coins(0, 30)}, Pooling::kMicro, 500, 3)[0];
  EXPECT_DOUBLE_EQ(interval->low, 0.5);
  EXPECT_DOUBLE_EQ(interval->high, 0.5);
}

TEST(Bootstrap, SeedDecidesTheResult) {
  const std::vector<Stratum> strata = {coins(20, 21)};
  const auto a = bootstrap_intervals(strata, Pooling::kMacro, 50, 1)[0];
  const auto b = bootstrap_intervals(strata, Pooling::kMacro, 50, 1)[0];
  const auto c = bootstrap_intervals(strata, Pooling::kMacro, 50, 2)[0];
  EXPECT_EQ(a->low, b->low);
  EXPECT_EQ(a->high, b->high);
  EXPECT_TRUE(a->low != c->low || a->high != c->high);
}

TEST(Bootstrap, UndefinedColumnsHaveNoInterval) {
  EXPECT_FALSE(bootstrap_intervals({{1, {kUndefined}}}, Pooling::kMacro, 10, 1)[0].has_value());
}

// A signal changes the whole process: in a child of its own.
void exit_when_interrupted() {
  install_interrupt_handlers();
  std::raise(SIGTERM);
  try {
    bootstrap_intervals({coins(1, 1)}, Pooling::kMicro, 1, 1);
  } catch (const Error& error) {
    std::_Exit(error.exit_code());
  }
  std::_Exit(0);
}

TEST(BootstrapDeathTest, EndsOnASignal) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(exit_when_interrupted(), testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace reasonbrain::eval
