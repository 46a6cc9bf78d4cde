// Running the toy task in temporary folders and comparing what two runs leave behind.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/log.h"
#include "reasonbrain/error.h"
#include "reasonbrain/trainer.h"
#include "toy_task.h"
#include "train/checkpoint.h"

namespace reasonbrain::train {

namespace fs = std::filesystem;

class RunTest : public testing::Test {
 protected:
  RunTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    const fs::path memory = "/dev/shm";  // every file of a checkpoint waits for its disk
    root_ = (fs::is_directory(memory) ? memory : fs::temp_directory_path()) /
            str("reasonbrain-train-", ::getpid(), "-", test->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    log::set_level(log::Level::kError);
  }
  ~RunTest() override { fs::remove_all(root_); }

  // Two stages of 9 and 6 steps; checkpoints every 4 steps, a line every 2, an evaluation every 3.
  static TrainOptions options() {
    TrainOptions options;
    options.settings = {.batch_size = 5, .accumulate = 2, .lr = 0.02, .warmup_steps = 2};
    options.settings.ema_decay = 0.8;
    options.stages = {{.name = "all", .steps = 9}, {.name = "last", .steps = 6}};
    options.stages[1].settings.schedule = LrSchedule::kLinear;
    options.stages[1].settings.batch_size = 4;
    options.log_every = 2;
    options.save_every = 4;
    options.eval_every = 3;
    options.keep_last = 0;
    return options;
  }
  static constexpr int64_t kTotalSteps = 15;

  // OpenMP's threads, which earlier runs have started, are not there in the child of a fork, and it
  // would wait for them for ever.
  static TrainOptions in_a_fork() {
    TrainOptions one_thread = options();
    one_thread.threads = 1;
    return one_thread;
  }

  RunInfo info(const std::string& folder, const std::string& resume = "auto") const {
    return {.folder = root_ / folder,
            .resolved_config = "train: {}\n",
            .resume = resume,
            .seed = 21,
            .data_workers = 2};
  }

  TrainResult run(const std::string& folder, TrainOptions with = options(),
                  const std::string& resume = "auto") {
    ToyTask task;
    return train(task, with, info(folder, resume));
  }

  // Runs until call `call` of losses(). A step makes one call a micro-batch, and one more where an
  // epoch ends inside a micro-batch.
  void run_and_crash(const std::string& folder, int64_t call) {
    ToyTask task;
    task.before_losses = [call](int64_t earlier) {
      if (earlier == call) throw std::runtime_error("power cut");
    };
    EXPECT_THROW(train(task, options(), info(folder)), std::runtime_error);
  }

  fs::path checkpoint(const std::string& folder, int64_t step) const {
    return root_ / folder / "checkpoints" / checkpoint_name(step);
  }

  // Every file of the checkpoint, to the byte.
  void expect_equal_checkpoints(const fs::path& a, const fs::path& b) {
    int num_files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(a)) {
      if (!entry.is_regular_file()) continue;
      const fs::path name = fs::relative(entry.path(), a);
      EXPECT_EQ(read_file(entry.path()), read_file(b / name)) << name << " of " << b;
      ++num_files;
    }
    EXPECT_EQ(num_files, 7) << a;
  }

  // The lines of metrics.jsonl without what a clock or the system measures.
  std::vector<nlohmann::json> metrics(const std::string& folder) const {
    std::vector<nlohmann::json> lines;
    std::ifstream file(root_ / folder / "metrics.jsonl");
    for (std::string text; std::getline(file, text);) {
      nlohmann::json line = nlohmann::json::parse(text);
      for (const char* key :
           {"samples_per_second", "seconds_per_step", "data_wait_seconds", "peak_memory_bytes"}) {
        EXPECT_EQ(line.erase(key), 1u) << key;
      }
      lines.push_back(line);
    }
    return lines;
  }

  std::set<std::string> names_in(const fs::path& folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  fs::path root_;
};

// The message of the Error that `action` throws, which must be of the given kind.
template <class Action>
std::string error_of(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& problem) {
    EXPECT_EQ(problem.kind(), kind) << problem.what();
    return problem.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

}  // namespace reasonbrain::train
