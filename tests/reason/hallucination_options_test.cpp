#include "reason/hallucination_options.h"

#include <gtest/gtest.h>

namespace reasonbrain::reason {
namespace {

TEST(TokenSelectionOptions, CountRoundsUpAndIsBounded) {
  TokenSelectionOptions options;
  options.keep_min = 3;
  options.keep_ratio = 0.5;
  EXPECT_EQ(options.count(9), 5);
  EXPECT_EQ(options.count(4), 3);
  EXPECT_EQ(options.count(2), 2);
  options.keep_ratio = 1;
  EXPECT_EQ(options.count(9), 9);
  options.keep_count = 4;
  EXPECT_EQ(options.count(9), 4);
}

TEST(TokenSelectionOptions, WarmsUpInEightSteps) {
  TokenSelectionOptions options;
  options.enabled = true;
  options.keep_ratio = 0.2;
  options.keep_min = 1;
  EXPECT_EQ(options.strength(0), 1);  // no warm-up
  options.warmup_samples = 100;
  EXPECT_EQ(options.strength(12), 0);
  EXPECT_FALSE(options.at({.strength = 0}).enabled);
  EXPECT_EQ(options.strength(13), 0.125);
  EXPECT_EQ(options.at({.strength = 0.125}).count(100), 90);
  EXPECT_EQ(options.strength(99), 0.875);
  EXPECT_EQ(options.strength(100), 1);
  EXPECT_EQ(options.at({.strength = 1}).count(100), 20);
  options.keep_ratio = 0.5;
  options.keep_count = 20;
  EXPECT_EQ(options.at({.strength = 0.125}).count(100), 90);
  EXPECT_EQ(options.at({.strength = 1}).count(100), 20);
}

TEST(TokenSelectionOptions, ActsInTrainingInInferenceOrInBoth) {
  TokenSelectionOptions options;
  options.enabled = true;
  TokenPropagationOptions propagation;
  propagation.enabled = true;
  const auto acts = [&](ApplyAt apply_at, bool training) {
    options.apply_at = propagation.apply_at = apply_at;
    const bool selects = options.at({.training = training}).enabled;
    EXPECT_EQ(propagation.scales_in(training), selects);
    return selects;
  };
  EXPECT_TRUE(acts(ApplyAt::kBoth, true) && acts(ApplyAt::kBoth, false));
  EXPECT_TRUE(acts(ApplyAt::kTrain, true));
  EXPECT_FALSE(acts(ApplyAt::kTrain, false));
  EXPECT_FALSE(acts(ApplyAt::kInfer, true));
  EXPECT_TRUE(acts(ApplyAt::kInfer, false));
  options.enabled = false;
  EXPECT_FALSE(options.at({.training = true}).enabled);
}

}  // namespace
}  // namespace reasonbrain::reason
