#include <csignal>
#include <iostream>

#include "core/interrupt.h"
#include "run_test_base.h"

namespace reasonbrain::train {
namespace {

// Signals set flags for the life of the process, so each run is in one of its own.
class Signals : public RunTest {
 protected:
  [[noreturn]] void run_and_raise(const std::string& folder, int signal) {
    install_interrupt_handlers();
    ToyTask task;
    task.before_losses = [signal](int64_t earlier) {
      if (earlier == 10) std::raise(signal);  // in step 5
    };
    try {
      const TrainResult result = train(task, in_a_fork(), info(folder));
      std::cerr << (result.stopped ? "stopped at " : "finished at ") << result.steps;
      std::_Exit(0);
    } catch (const Error& problem) {
      std::cerr << problem.what();
      std::_Exit(problem.exit_code());
    }
  }
};

TEST_F(Signals, StopAtTheStepBoundaryWithACheckpoint) {
  run("whole");
  for (int signal : {SIGTERM, SIGUSR1}) {
    const std::string folder = str("signal-", signal);
    EXPECT_EXIT(run_and_raise(folder, signal), testing::ExitedWithCode(0), "stopped at 5");
    EXPECT_TRUE(fs::exists(checkpoint(folder, 5) / "COMPLETE"));
    run(folder);
    expect_equal_checkpoints(checkpoint("whole", 15), checkpoint(folder, 15));
    EXPECT_EQ(metrics("whole"), metrics(folder));
  }
}

TEST_F(Signals, AnInterruptIsAnErrorAfterTheCheckpoint) {
  EXPECT_EXIT(run_and_raise("run", SIGINT), testing::ExitedWithCode(130), "step 5");
  EXPECT_TRUE(fs::exists(checkpoint("run", 5) / "COMPLETE"));
}

}  // namespace
}  // namespace reasonbrain::train
