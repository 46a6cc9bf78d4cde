#include "train/dry_run.h"

#include <chrono>
#include <iomanip>

#include "core/interrupt.h"
#include "core/str.h"
#include "train/step.h"
#include "train/step_feed.h"

namespace reasonbrain::train {

TrainResult dry_run(Task& task, const TrainOptions& options, const RunInfo& run,
                    const StagePlan& plan) {
  TrainResult result;
  for (const Stage& stage : plan) {
    throw_if_interrupted();
    task.begin_stage(stage.name);
    optim::AdamW optimizer = make_optimizer(task, stage, options);
    const auto start = std::chrono::steady_clock::now();
    StepFeed feed(task, stage, run.seed, /*first_step=*/0, run, /*one_batch=*/true);
    const MicroBatches& batches = feed.next();
    task.module().train();
    const StepResult step = run_step(task, optimizer, batches, stage, {run.seed, 0}, [&] {
      return str("the dry run of stage '", stage.name, "'");
    });
    throw_if_interrupted();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.report +=
        str("stage ", stage.name, ": ", stage.steps, " steps of ", stage.samples_per_step(),
            " samples (batch ", stage.settings.batch_size, " x ", stage.settings.accumulate,
            ")\n  one step: loss ", step.loss, ", gradient norm ", step.grad_norm, ", ",
            std::setprecision(3), seconds, " s (the first is slow)\n");
    result.loss = step.loss;
    ++result.steps;
  }
  return result;
}

}  // namespace reasonbrain::train
