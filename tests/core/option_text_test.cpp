#include "core/option_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace reasonbrain {
namespace {

TEST(OptionText, NumbersAreShortAndExact) {
  EXPECT_EQ(format_number(0.1), "0.1");
  EXPECT_EQ(format_number(1e-5), "1e-05");
  EXPECT_EQ(format_number(3), "3");
  for (const double value : {1.0 / 3, 6.02214076e23, -1e-300}) {
    EXPECT_EQ(std::stod(format_number(value)), value);
  }
}

TEST(OptionText, RangesIncludeTheirEnds) {
  const OptionInfo steps{.unit = "steps", .min = 1, .max = 100};
  EXPECT_EQ(range_text(steps), "[1, 100]");
  EXPECT_EQ(range_text({.min = 0}), ">= 0");
  EXPECT_EQ(range_text({.max = 2}), "<= 2");
  EXPECT_EQ(range_text({}), "");
  EXPECT_EQ(number_problem(1, true, steps), "");
  EXPECT_EQ(number_problem(100, true, steps), "");
  EXPECT_EQ(number_problem(0, true, steps), "expected an integer in [1, 100] steps");
  EXPECT_EQ(number_problem(-1, false, {.min = 0}), "expected a finite number >= 0");
  EXPECT_EQ(number_problem(NAN, false, {}), "expected a finite number");
  EXPECT_EQ(number_problem(INFINITY, false, {}), "expected a finite number");
}

TEST(OptionText, ChoicesAreFoundByName) {
  EXPECT_EQ(choice_position("flow", {"epsilon", "flow"}), 1);
  EXPECT_EQ(choice_position("Flow", {"epsilon", "flow"}), -1);
}

}  // namespace
}  // namespace reasonbrain
