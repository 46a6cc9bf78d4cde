// The micro-batches of a stage, step by step, in an order that depends on the seed alone.
#pragma once

#include <cstdint>

#include "data/loader.h"
#include "reasonbrain/task.h"
#include "reasonbrain/trainer.h"
#include "train/stage_plan.h"
#include "train/step.h"

namespace reasonbrain::train {

class StepFeed {
 public:
  // Starts at optimiser step `first_step` of the stage; `seed` is the stage's. one_batch: every
  // step is the stage's first. The task must outlive the feed.
  StepFeed(const Task& task, const Stage& stage, uint64_t seed, int64_t first_step,
           const RunInfo& run, bool one_batch);

  // The samples of one step. A micro-batch that reaches into the next epoch comes as two, so that
  // every sample is keyed by its own epoch; losses are sums with counts, so nothing else changes.
  // Valid until the next call. Throws what loading or collating threw.
  const MicroBatches& next();

  int64_t epoch() const { return epoch_; }  // of the first sample of the last step
  double take_wait_seconds();               // spent waiting for data since the last call

 private:
  data::Loader<MicroBatches> loader_;
  int64_t accumulate_, source_size_;
  bool one_batch_;
  MicroBatches batches_;
  int64_t epoch_ = 0;
  double wait_seconds_taken_ = 0;
};

}  // namespace reasonbrain::train
