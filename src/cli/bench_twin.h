// A training step's twin in Python (bench/train_twin.py): the same sizes, weights and batch, in the
// classes that recipes are written with.
#pragma once

#include <filesystem>
#include <string>

#include "cli/bench.h"
#include "cli/run_config.h"
#include "train/step.h"

namespace reasonbrain::cli {

struct TwinProgram {
  std::string python;  // with torch, transformers, diffusers and safetensors
  std::string script;  // empty: bench/train_twin.py beside configs/
};

class TrainTwin {
 public:
  // Writes the task's present weights, `batches` and the stage's settings for the script. Threads
  // are LibTorch's present number. Error(kUsage) for a step of several micro-batches, which the
  // script does not have.
  TrainTwin(TwinProgram program, train::Task& task, const train::Stage& stage,
            const RunConfig& config, const train::MicroBatches& batches);

  // Starts the script; the median of `steps` steps after `warm_up` others.
  Elapsed time_step(int64_t warm_up, int64_t steps);

  double loss() const { return loss_; }  // of the first step, once time_step has run

 private:
  TwinProgram program_;
  ScratchFolder scratch_;
  double loss_ = 0;
};

}  // namespace reasonbrain::cli
