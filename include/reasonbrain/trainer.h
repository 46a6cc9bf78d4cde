// Runs the stages of a Task and writes a run folder that can be resumed at any point.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reasonbrain/describe.h"
#include "reasonbrain/task.h"

namespace reasonbrain::train {

enum class LrSchedule { kCosine, kConstant, kLinear, kInherit };

// What a stage may set for itself. In a stage, -1 (or `inherit`) takes the value of `train`.
// Meaning, unit and range of every option: describe(), which `reasonbrain config options train.`
// prints.
struct StepSettings {
  int64_t batch_size = 32;
  int64_t accumulate = 1;
  double lr = 1e-3;
  LrSchedule schedule = LrSchedule::kCosine;
  int64_t warmup_steps = 100;
  double min_lr_ratio = 0;
  double weight_decay = -1;
  double clip_norm = 1;
  double ema_decay = 0.997;

  static StepSettings inherited();
  void describe(OptionVisitor& v, bool may_inherit);
};

struct StageOptions {
  std::string name;
  int64_t steps = -1;
  StepSettings settings = StepSettings::inherited();

  void describe(OptionVisitor& v);
};

// The group `train` of a configuration. `seed` and `data.workers` come through RunInfo.
struct TrainOptions {
  int64_t steps = 0;
  StepSettings settings;
  std::vector<StageOptions> stages;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double eps = 1e-8;
  int64_t log_every = 10;
  int64_t save_every = 500;
  int64_t eval_every = 0;
  int64_t sample_every = 0;
  int64_t keep_last = 3;
  int64_t keep_every = 0;
  bool keep_best = true;
  bool overfit_one_batch = false;
  int64_t threads = 0;

  void describe(OptionVisitor& v);
};

struct RunInfo {
  std::filesystem::path folder;  // the run folder; unused in a dry run
  std::string resolved_config;   // YAML text for config.resolved.yaml
  std::string resume = "auto";   // auto | none | a checkpoint or run folder
  bool dry_run = false;          // one step of every stage, nothing written
  uint64_t seed = 0;
  std::map<std::string, std::string> model;  // options that a resumed run must have unchanged
  // Threads that load and collate, and micro-batches made ahead at most; results do not depend on
  // them.
  int64_t data_workers = data::kDefaultWorkers;
  int64_t data_prefetch = data::kDefaultPrefetch;
  std::string environment = "{}";  // JSON object whose entries are added to env.json
};

struct TrainResult {
  bool stopped = false;                   // by SIGTERM or SIGUSR1, after a checkpoint (in the
                                          // program `reasonbrain`, which handles signals)
  int64_t steps = 0;                      // optimiser steps done over all stages
  double loss = 0;                        // of the last step
  std::map<std::string, double> metrics;  // of the last evaluation
  std::optional<double> best;             // best value of Task::best_metric in the last stage
  std::filesystem::path checkpoint;       // the newest one
  std::string report;                     // dry run: one step a stage
};

// Trains every stage of `task`. At a stage's end its weights become their EMA.
//
// Errors: kConfig (options that do not fit the task, a checkpoint of another configuration), kUsage
// (a run folder that already holds a run, with resume "none"), kData (a named checkpoint that is
// missing or damaged), kRuntime (a loss or gradient that is not finite, a folder that cannot be
// written or that another training writes), kInterrupted (SIGINT, after a checkpoint), and what the
// task throws.
TrainResult train(Task& task, const TrainOptions& options, const RunInfo& run);

}  // namespace reasonbrain::train
