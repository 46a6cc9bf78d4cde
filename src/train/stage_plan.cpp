#include "train/stage_plan.h"

#include <algorithm>
#include <set>

#include "core/str.h"
#include "optim/schedule.h"
#include "reasonbrain/error.h"

namespace reasonbrain::train {
namespace {

StepSettings inherit(StepSettings own, const StepSettings& base) {
  const auto take = [](const char* name, auto& value, auto from) {
    if (value < 0 && value != -1) {
      throw config_error(str("train.stages: ", name, " is ", value,
                             "; expected 0 or more, or -1 for that of train"));
    }
    if (value < 0) value = from;
  };
  take("batch_size", own.batch_size, base.batch_size);
  take("accumulate", own.accumulate, base.accumulate);
  take("lr", own.lr, base.lr);
  take("warmup_steps", own.warmup_steps, base.warmup_steps);
  take("min_lr_ratio", own.min_lr_ratio, base.min_lr_ratio);
  take("weight_decay", own.weight_decay, base.weight_decay);
  take("clip_norm", own.clip_norm, base.clip_norm);
  take("ema_decay", own.ema_decay, base.ema_decay);
  if (own.schedule == LrSchedule::kInherit) own.schedule = base.schedule;
  if (own.batch_size == 0 || own.accumulate == 0) {
    throw config_error("train.stages: batch_size and accumulate must be 1 or more, or -1");
  }
  return own;
}

void check_names(const std::vector<StageOptions>& stages, const std::vector<std::string>& known) {
  std::set<std::string> seen;
  for (const StageOptions& stage : stages) {
    if (std::find(known.begin(), known.end(), stage.name) == known.end()) {
      throw config_error(str("train.stages: there is no stage '", stage.name, "', expected one of ",
                             join(known, ", ")));
    }
    if (!seen.insert(stage.name).second) {
      throw config_error(str("train.stages: stage '", stage.name, "' is listed twice"));
    }
  }
}

}  // namespace

double Stage::lr_at(int64_t step) const {
  const double warmup = optim::warmup_factor(step, settings.warmup_steps);
  const double progress = optim::decay_progress(step, schedule_steps, settings.warmup_steps);
  switch (settings.schedule) {
    case LrSchedule::kCosine:
      return settings.lr * warmup * optim::cosine_factor(progress, settings.min_lr_ratio);
    case LrSchedule::kLinear:
      return settings.lr * warmup * optim::linear_factor(progress, settings.min_lr_ratio);
    default:
      return settings.lr * warmup;
  }
}

StagePlan resolve_stages(const TrainOptions& options, const std::vector<std::string>& task_stages) {
  check_names(options.stages, task_stages);
  StagePlan plan;
  int64_t done = 0;
  for (const std::string& name : task_stages) {
    StageOptions own;
    for (const StageOptions& candidate : options.stages) {
      if (candidate.name == name) own = candidate;
    }
    if (own.steps < 0 && options.steps == 0) {
      throw config_error(
          str("stage '", name, "' has no number of steps: set it in train.stages, or train.steps"));
    }
    const int64_t left = options.steps - done;
    const int64_t wanted = own.steps < 0 ? left : own.steps;
    const int64_t steps = options.steps > 0 ? std::min(wanted, left) : wanted;
    if (steps == 0) continue;
    plan.push_back({name, steps, wanted, inherit(own.settings, options.settings)});
    done += steps;
  }
  if (plan.empty()) throw config_error("no stage has a step: set train.steps or train.stages");
  return plan;
}

int64_t total_steps(const StagePlan& plan) {
  int64_t total = 0;
  for (const Stage& stage : plan) total += stage.steps;
  return total;
}

nlohmann::json plan_json(const StagePlan& plan) {
  nlohmann::json stages = nlohmann::json::array();
  for (const Stage& stage : plan) {
    stages.push_back({{"name", stage.name},
                      {"steps", stage.steps},
                      {"batch_size", stage.settings.batch_size},
                      {"accumulate", stage.settings.accumulate}});
  }
  return stages;
}

}  // namespace reasonbrain::train
