#include "core/interrupt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <thread>

#include "core/atomic_file.h"
#include "core/expect_error.h"
#include "core/temp_dir.h"

namespace reasonbrain {
namespace {

// Signals change the whole process, so each case runs in a child of its own.
class InterruptDeathTest : public testing::Test {
 protected:
  InterruptDeathTest() { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

void exit_with(bool success) {
  std::_Exit(success ? 0 : 1);
}

TEST_F(InterruptDeathTest, FirstSignalOnlySetsAFlag) {
  EXPECT_EXIT(
      {
        install_interrupt_handlers();
        const bool quiet = interrupted() == 0 && !stop_requested();
        throw_if_interrupted();
        std::raise(SIGINT);
        bool thrown = false;
        try {
          throw_if_interrupted();
        } catch (const Error& error) {
          thrown = error.exit_code() == 130;
        }
        exit_with(quiet && interrupted() == 1 && !stop_requested() && thrown);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(InterruptDeathTest, TerminationAsksToStop) {
  for (const int signal : {SIGTERM, SIGUSR1}) {
    EXPECT_EXIT(
        {
          install_interrupt_handlers();
          std::raise(signal);
          exit_with(stop_requested() && interrupted() == 0);
        },
        testing::ExitedWithCode(0), "");
  }
}

TEST_F(InterruptDeathTest, SecondInterruptRemovesTemporariesAndAborts) {
  // The child runs this test from its start; it must use the folder that the parent made.
  constexpr const char* kVariable = "REASONBRAIN_TEST_DIR";
  std::optional<TempDir> made;
  if (std::getenv(kVariable) == nullptr) {
    made.emplace();
    ::setenv(kVariable, made->path().c_str(), /*overwrite=*/1);
  }
  const std::filesystem::path shared = std::getenv(kVariable);
  EXPECT_EXIT(
      {
        install_interrupt_handlers();
        AtomicFile file(shared / "file");
        file.write("half", 4);
        const AtomicFolder folder(shared / "folder");
        write_file_atomic(folder.path() / "inside", "x");
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::this_thread::sleep_for(std::chrono::seconds(20));
        exit_with(false);
      },
      testing::ExitedWithCode(130), "");
  ::unsetenv(kVariable);
  EXPECT_TRUE(std::filesystem::is_empty(shared));
}

}  // namespace
}  // namespace reasonbrain
