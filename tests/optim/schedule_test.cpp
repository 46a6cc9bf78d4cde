#include "optim/schedule.h"

#include <gtest/gtest.h>

namespace reasonbrain::optim {
namespace {

TEST(Schedule, WarmsUpLinearlyFromTheFirstStep) {
  EXPECT_DOUBLE_EQ(warmup_factor(0, 4), 0.25);
  EXPECT_DOUBLE_EQ(warmup_factor(2, 4), 0.75);
  EXPECT_DOUBLE_EQ(warmup_factor(3, 4), 1);
  EXPECT_DOUBLE_EQ(warmup_factor(100, 4), 1);
  EXPECT_DOUBLE_EQ(warmup_factor(0, 0), 1);
}

TEST(Schedule, ProgressCountsFromTheEndOfTheWarmUp) {
  EXPECT_DOUBLE_EQ(decay_progress(0, 110, 10), 0);
  EXPECT_DOUBLE_EQ(decay_progress(10, 110, 10), 0);
  EXPECT_DOUBLE_EQ(decay_progress(60, 110, 10), 0.5);
  EXPECT_DOUBLE_EQ(decay_progress(109, 110, 10), 0.99);
  EXPECT_DOUBLE_EQ(decay_progress(500, 110, 10), 1);
  EXPECT_DOUBLE_EQ(decay_progress(5, 10, 20), 0);  // a warm-up longer than the stage
}

TEST(Schedule, CosineAndLinearGoFromOneToTheRatio) {
  for (double ratio : {0.0, 0.1, 1.0}) {
    EXPECT_DOUBLE_EQ(cosine_factor(0, ratio), 1);
    EXPECT_NEAR(cosine_factor(0.5, ratio), (1 + ratio) / 2, 1e-15);
    EXPECT_NEAR(cosine_factor(1, ratio), ratio, 1e-15);
    EXPECT_DOUBLE_EQ(linear_factor(0, ratio), 1);
    EXPECT_DOUBLE_EQ(linear_factor(0.25, ratio), 0.75 + 0.25 * ratio);
    EXPECT_NEAR(linear_factor(1, ratio), ratio, 1e-15);
  }
  EXPECT_NEAR(cosine_factor(1.0 / 3, 0), 0.75, 1e-12);
}

}  // namespace
}  // namespace reasonbrain::optim
