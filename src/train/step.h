// One optimiser step: gradients over the micro-batches, the guard against values that are not
// finite, clipping, update.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "optim/adamw.h"
#include "reasonbrain/task.h"
#include "train/run_state.h"

namespace reasonbrain::train {

using MicroBatches = std::vector<std::unique_ptr<Batch>>;

// The stage's parameters, with the decay of StepSettings::weight_decay where the task decays.
optim::AdamW make_optimizer(Task& task, const Stage& stage, const TrainOptions& options);

struct StepKey {
  uint64_t seed = 0;  // of the stage
  int64_t step = 0;   // of the stage, from 0
};

// Every term is weight * (sum over all micro-batches) / (count over all micro-batches), so that the
// split into micro-batches does not matter. LibTorch's own generator (dropout) is seeded by the key
// and the micro-batch. When the loss or the gradient norm is not finite, nothing is updated and
// Error(kRuntime) says `where()`, the terms, the first bad parameter and the samples.
StepResult run_step(Task& task, optim::AdamW& optimizer, const MicroBatches& batches,
                    const Stage& stage, const StepKey& key,
                    const std::function<std::string()>& where);

}  // namespace reasonbrain::train
