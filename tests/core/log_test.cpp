#include "core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/temp_dir.h"

namespace reasonbrain {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Log, GoesToStderrAndToTheFileFromItsLevelOn) {
  const TempDir dir;
  testing::internal::CaptureStderr();
  log::add_file(dir / "train.log");
  log::debug("hidden");
  log::info("braces {} stay");
  log::info("a\nb\x1b[2J\x7f \xc3\xa9");
  log::set_level(log::Level::kWarning);
  log::info("quiet");
  log::warning("loud");
  log::set_level(log::Level::kInfo);
  log::flush();
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_THAT(shown, HasSubstr("info: braces {} stay"));
  EXPECT_THAT(shown, HasSubstr("info: a\\nb\\x1b[2J\\x7f \xc3\xa9\n"));
  EXPECT_THAT(shown, HasSubstr("warning: loud"));
  EXPECT_THAT(shown, Not(HasSubstr("hidden")));
  EXPECT_THAT(shown, Not(HasSubstr("quiet")));
  const std::string text = slurp(dir / "train.log");
  EXPECT_THAT(text, HasSubstr("info: braces {} stay"));
  EXPECT_THAT(text, HasSubstr("warning: loud"));
  EXPECT_THAT(text, Not(HasSubstr("quiet")));
}

TEST(Log, LongMessagesAreCutBetweenCharacters) {
  std::string message = "x";
  for (int i = 0; i < 5000; ++i) message += "\xc3\xa9";
  testing::internal::CaptureStderr();
  log::warning(message);
  log::warning(std::string(5000, '\x80'));
  log::flush();
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_THAT(shown, HasSubstr("x" + message.substr(1, 2000) + "...\n"));
  EXPECT_LT(shown.size(), 4100u);
}

TEST(Log, SaysWhenTheFileCannotBeOpened) {
  EXPECT_ERROR(log::add_file("/proc/none/train.log"), kRuntime, "/proc/none/train.log");
}

}  // namespace
}  // namespace reasonbrain
