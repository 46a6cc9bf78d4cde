// `train`: from a configuration to a run folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/run_config.h"
#include "core/placement.h"
#include "reason/pipeline.h"
#include "reasonbrain/task.h"

namespace reasonbrain::cli {

struct TrainArguments {
  std::vector<std::string> configs;    // files or named overlays, later wins
  std::vector<std::string> overrides;  // a.b=VALUE
  std::string resume = "auto";         // auto | none | DIR
  std::string run_folder;              // "": runs/PRESET
  bool dry_run = false;
  std::string device = "auto";
};

// A new pipeline from the options, or the one of init_from with what the options say of learning.
// Error(kConfig) for an option of `model` that differs from what init_from brings.
std::shared_ptr<reason::Pipeline> open_pipeline(const RunConfig& config,
                                                const Placement& placement);

// The task that a configuration describes, with its model and its data. A configuration without
// stages gets the stage `joint`.
std::unique_ptr<train::Task> make_task(RunConfig& config, const Placement& placement);

// Trains, logging to stderr. Returns the exit code (0, also when stopped by SIGTERM after a
// checkpoint).
int run_training(const TrainArguments& arguments);

}  // namespace reasonbrain::cli
