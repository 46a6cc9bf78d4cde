// Where a run stands: everything but tensors that a resumed run must know.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "train/stage_plan.h"

namespace reasonbrain::train {

struct StepResult {
  double loss = 0;                                     // the optimised value
  std::map<std::string, std::optional<double>> terms;  // sum / count; nullopt when the count is 0
  double grad_norm = 0;                                // before clipping
};

// Sums since the last line of metrics.jsonl; part of the state so that a resumed run logs equal
// values.
struct LogWindow {
  int64_t steps = 0;
  double loss = 0, grad_norm = 0;
  std::map<std::string, std::pair<double, int64_t>> terms;  // sum of values, number of values

  void add(const StepResult& step);
  nlohmann::json means() const;  // loss, loss_NAME (null without a value), grad_norm
};

struct RunState {
  int64_t step = 0;  // optimiser steps over all stages
  std::string stage;
  int64_t stage_step = 0;                 // optimiser steps of the stage
  int64_t samples_seen = 0;               // over all stages
  std::optional<double> best;             // of the stage
  std::map<std::string, double> metrics;  // of the last evaluation
  double loss = 0;                        // of the last step
  LogWindow window;
};

// What a checkpoint says of the run that wrote it.
struct RunIdentity {
  uint64_t seed = 0;
  StagePlan plan;
  std::map<std::string, std::string> model;  // RunInfo::model
  std::string data_fingerprint;              // of the stage's source
};

nlohmann::json to_json(const RunState& state, const RunIdentity& identity);
RunState run_state_from_json(const nlohmann::json& json,
                             const std::string& origin);  // Error(kData)

// Error(kConfig) naming the first thing that keeps `identity` from going on where `saved` stopped:
// the seed, the stages up to the present one, its batch size or accumulation, an option of the
// model.
void require_same_run(const nlohmann::json& saved, const RunIdentity& identity,
                      const std::string& origin);

}  // namespace reasonbrain::train
