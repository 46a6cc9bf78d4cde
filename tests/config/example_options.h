// Options with one field of every type, for the tests of this folder.
#pragma once

#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::config {

struct StageOptions {
  std::string name = "joint";
  int64_t steps = 10;
  void describe(OptionVisitor& v) {
    v.field("name", name, {.help = "Name of the stage"});
    v.field("steps", steps, {.help = "Length of the stage", .unit = "steps", .min = 1});
  }
};

struct OptimOptions {
  double lr = 1e-4;
  std::vector<double> betas = {0.9, 0.999};
  void describe(OptionVisitor& v) {
    v.field("lr", lr, {.help = "Learning rate", .min = 0, .max = 1});
    v.field("betas", betas, {.help = "Decay of the moments", .min = 0, .max = 1});
  }
};

enum class Objective { kEpsilon, kFlow };

struct ExampleOptions {
  bool ema = true;
  int64_t steps = 1000;
  std::string run = "runs/a";
  std::vector<int64_t> layers = {6, 12};
  std::vector<std::string> names;
  Objective objective = Objective::kFlow;
  OptimOptions optim;
  std::vector<StageOptions> stages;
  void describe(OptionVisitor& v) {
    v.field("ema", ema, {.help = "Keep an average of the weights"});
    v.field("steps", steps, {.help = "Optimiser steps", .unit = "steps", .min = 1, .max = 1e9});
    v.field("run", run, {.help = "Run folder"});
    v.field("layers", layers, {.help = "Layers to read", .min = 0, .max = 24});
    v.field("names", names, {.help = "Scenarios"});
    v.choice("objective", objective, {"epsilon", "flow"}, {.help = "What is predicted"});
    v.group("optim", optim, {.help = "AdamW"});
    v.list("stages", stages, {.help = "Stages in order"});
  }
};

}  // namespace reasonbrain::config
