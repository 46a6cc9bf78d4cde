#include "reasonbrain/trainer.h"

namespace reasonbrain::train {
namespace {

constexpr double kMaxSteps = 1e9;

}  // namespace

StepSettings StepSettings::inherited() {
  return {.batch_size = -1,
          .accumulate = -1,
          .lr = -1,
          .schedule = LrSchedule::kInherit,
          .warmup_steps = -1,
          .min_lr_ratio = -1,
          .weight_decay = -1,
          .clip_norm = -1,
          .ema_decay = -1};
}

void StepSettings::describe(OptionVisitor& v, bool may_inherit) {
  const double low = may_inherit ? -1 : 0;
  const double low_count = may_inherit ? -1 : 1;
  std::vector<std::string> schedules = {"cosine", "constant", "linear"};
  if (may_inherit) schedules.push_back("inherit");
  v.field("batch_size", batch_size,
          {.help = "Samples of one micro-batch", .unit = "samples", .min = low_count, .max = 1e6});
  v.field("accumulate", accumulate,
          {.help = "Micro-batches whose gradients make one optimiser step",
           .min = low_count,
           .max = 1e6});
  v.field("lr", lr, {.help = "Peak learning rate", .min = low, .max = 10});
  v.choice("schedule", schedule, schedules, {.help = "Learning rate after the warm-up"});
  v.field("warmup_steps", warmup_steps,
          {.help = "Steps over which the learning rate rises linearly",
           .unit = "steps",
           .min = low,
           .max = kMaxSteps});
  v.field("min_lr_ratio", min_lr_ratio,
          {.help = "Share of lr at which the schedule ends", .min = low, .max = 1});
  v.field(
      "weight_decay", weight_decay,
      {.help = "Decoupled weight decay of the parameters that have any; -1: the task's own, 0.02 "
               "on weight matrices, 0 on norms, biases, queries, embeddings, null tokens and "
               "new rows",
       .min = -1,
       .max = 10});
  v.field(
      "clip_norm", clip_norm,
      {.help = "Largest norm of all gradients together; 0 is no clipping", .min = low, .max = 1e9});
  v.field("ema_decay", ema_decay,
          {.help = "Decay of the moving average of the weights; 0 is none", .min = low, .max = 1});
}

void StageOptions::describe(OptionVisitor& v) {
  v.field("name", name, {.help = "The stage that these settings are for"});
  v.field("steps", steps,
          {.help = "Optimiser steps; -1 takes what train.steps leaves, 0 leaves the stage out",
           .unit = "steps",
           .min = -1,
           .max = kMaxSteps});
  settings.describe(v, /*may_inherit=*/true);
}

void TrainOptions::describe(OptionVisitor& v) {
  v.field("steps", steps,
          {.help = "Most optimiser steps over all stages; 0 leaves it to the stages",
           .unit = "steps",
           .min = 0,
           .max = kMaxSteps});
  settings.describe(v, /*may_inherit=*/false);
  v.list("stages", stages,
         {.help = "Settings of single stages; what a stage does not set it takes from train"});
  v.field("beta1", beta1, {.help = "AdamW decay of the first moment", .min = 0, .max = 0.9999999});
  v.field("beta2", beta2, {.help = "AdamW decay of the second moment", .min = 0, .max = 0.9999999});
  v.field("eps", eps, {.help = "AdamW term against division by zero", .min = 0, .max = 1});
  v.field("log_every", log_every,
          {.help = "Steps between two lines of metrics.jsonl",
           .unit = "steps",
           .min = 1,
           .max = kMaxSteps});
  v.field("save_every", save_every,
          {.help = "Steps between two checkpoints; every stage ends with one as well",
           .unit = "steps",
           .min = 1,
           .max = kMaxSteps});
  v.field("eval_every", eval_every,
          {.help = "Steps between two evaluations, also at the end of a stage; 0 is never",
           .unit = "steps",
           .min = 0,
           .max = kMaxSteps});
  v.field("sample_every", sample_every,
          {.help = "Steps between two sets of preview pictures; 0 is never",
           .unit = "steps",
           .min = 0,
           .max = kMaxSteps});
  v.field("keep_last", keep_last,
          {.help = "Newest checkpoints that are kept; 0 keeps all", .min = 0, .max = 1e6});
  v.field("keep_every", keep_every,
          {.help = "Checkpoints at multiples of this step are kept for good; 0 is none",
           .unit = "steps",
           .min = 0,
           .max = kMaxSteps});
  v.field("keep_best", keep_best,
          {.help = "Keep the checkpoint with the stage's best metric as checkpoints/best"});
  v.field("overfit_one_batch", overfit_one_batch,
          {.help = "Train every step on the first batch, to see that the model can learn it"});
  v.field("threads", threads,
          {.help = "Threads of LibTorch's operators; 0 leaves the setting", .min = 0, .max = 1024});
}

}  // namespace reasonbrain::train
