// The stages of a run with every setting resolved.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reasonbrain/trainer.h"

namespace reasonbrain::train {

struct Stage {
  std::string name;
  int64_t steps = 0;           // optimiser steps, after the cap of train.steps
  int64_t schedule_steps = 0;  // before the cap: a shortened run follows the same learning rates
  StepSettings settings;       // nothing inherited any more

  int64_t samples_per_step() const { return settings.batch_size * settings.accumulate; }
  double lr_at(int64_t step) const;  // step of the stage, from 0
};

using StagePlan = std::vector<Stage>;

// The stages of the task in its order, those without a step left out. Error(kConfig) for a stage
// that the task does not have, one named twice, and when the number of steps is nowhere given.
StagePlan resolve_stages(const TrainOptions& options, const std::vector<std::string>& task_stages);

int64_t total_steps(const StagePlan& plan);

// What the order of the data depends on, for checkpoints.
nlohmann::json plan_json(const StagePlan& plan);

}  // namespace reasonbrain::train
