// A try of every stage, without writing anything.
#pragma once

#include "reasonbrain/trainer.h"
#include "train/stage_plan.h"

namespace reasonbrain::train {

// Begins every stage and runs one optimiser step of it. The weights are changed by these steps.
// TrainResult::report has two lines a stage.
TrainResult dry_run(Task& task, const TrainOptions& options, const RunInfo& run,
                    const StagePlan& plan);

}  // namespace reasonbrain::train
