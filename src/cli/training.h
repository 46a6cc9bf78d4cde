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

// A new pipeline from the options, or the one of init_from with what the options say of learning;
// `model` then becomes what the weights bring (take_model() in cli/init_from.h).
std::shared_ptr<reason::Pipeline> open_pipeline(RunConfig& config, const Placement& placement);

// What is wrong with a configuration before its weights and records are opened: stages and their
// losses, shares that exclude each other, the mini world's names. Error(kConfig).
void check_training(const RunConfig& config);

// The task that a configuration describes, with its model and its data, which is opened first. A
// configuration without stages gets the stage `joint`.
std::unique_ptr<train::Task> make_task(RunConfig& config, const Placement& placement);

// Trains, logging to stderr. Returns also when stopped by SIGTERM, after a checkpoint.
void run_training(const TrainArguments& arguments);

}  // namespace reasonbrain::cli
