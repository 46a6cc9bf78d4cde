// `train`: from a configuration to a run folder.
#pragma once

#include <string>
#include <vector>

namespace reasonbrain::cli {

struct TrainArguments {
  std::vector<std::string> configs;    // files or named overlays, later wins
  std::vector<std::string> overrides;  // a.b=VALUE
  std::string resume = "auto";         // auto | none | DIR
  std::string run_folder;              // "": runs/PRESET
  bool dry_run = false;
  std::string device = "auto";
};

// Trains, logging to stderr. Returns the exit code (0, also when stopped by SIGTERM after a
// checkpoint).
int run_training(const TrainArguments& arguments);

}  // namespace reasonbrain::cli
