// What a run tells while it goes on: lines of metrics.jsonl, TensorBoard events, the curves page,
// the progress line.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/progress.h"
#include "train/event_file.h"
#include "train/metrics_log.h"
#include "train/run_folder.h"
#include "train/run_state.h"

namespace reasonbrain::train {

class RunLog {
 public:
  // Lines of metrics.jsonl after `step` are dropped; remaining_steps is for the time that is left.
  RunLog(const RunFolder& folder, int64_t step, int64_t remaining_steps);

  // After every step. epoch and wait_seconds as StepFeed gives them.
  void add_step(const RunState& state, const Stage& stage, int64_t epoch, double wait_seconds);

  // One line: the means of state.window, the speed since the last line, and `metrics`.
  void write_line(const RunState& state, const Stage& stage,
                  const std::map<std::string, double>& metrics);

  // The PNG pictures of a folder, as events.
  void add_pictures(int64_t step, const std::filesystem::path& folder);

  void write_curves() const;

 private:
  using Clock = std::chrono::steady_clock;

  const RunFolder& folder_;
  MetricsLog metrics_;
  EventFile events_;
  Progress progress_;
  Clock::time_point line_start_ = Clock::now();
  int64_t line_steps_ = 0;  // since this process wrote a line; the window may reach back further
  int64_t epoch_ = 0;
  double wait_seconds_ = 0;
};

}  // namespace reasonbrain::train
