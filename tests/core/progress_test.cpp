#include "core/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "core/temp_dir.h"

namespace reasonbrain {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Progress, TextHasShareRateAndTimeLeft) {
  EXPECT_EQ(progress_text("edit", 10, 40, "pictures", 5.0, ""),
            "edit 10/40 pictures (25%), 2 pictures/s, 0:15 left");
  EXPECT_EQ(progress_text("train", 1, 7201, "steps", 1.0, "loss 0.5"),
            "train 1/7201 steps (0%), 1 steps/s, 2:00:00 left, loss 0.5");
  EXPECT_EQ(progress_text("edit", 40, 40, "pictures", 80.0, ""),
            "edit 40/40 pictures (100%), 0.5 pictures/s in 1:20");
}

TEST(Progress, TextCopesWithNothingKnown) {
  EXPECT_EQ(progress_text("read", 0, 0, "lines", 0.0, ""), "read 0 lines");
  EXPECT_EQ(progress_text("read", 0, 5, "lines", 3.0, ""), "read 0/5 lines (0%)");
  EXPECT_EQ(progress_text("read", 6, 0, "lines", 3.0, ""), "read 6 lines, 2 lines/s in 0:03");
}

TEST(Progress, PlainLinesHaveNoControlCodesAndThreadsCountTogether) {
  const TempDir dir;
  std::FILE* file = std::fopen((dir / "out").c_str(), "w");
  ASSERT_NE(file, nullptr);
  {
    Progress progress("count", 4000, "items", file);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) progress.add();
      });
    }
    for (std::thread& thread : threads) thread.join();
    progress.set_note("done");
    progress.finish();
    progress.finish();
  }
  std::fclose(file);
  const std::string text = slurp(dir / "out");
  EXPECT_THAT(text, HasSubstr("count 4000/4000 items (100%)"));
  EXPECT_THAT(text, HasSubstr(", done\n"));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

}  // namespace
}  // namespace reasonbrain
