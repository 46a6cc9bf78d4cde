// What training a configuration takes on one device, worked out without allocating any of it.
#pragma once

#include <cstdint>
#include <string>

#include "cli/run_config.h"
#include "core/placement.h"

namespace reasonbrain::cli {

struct MemoryPlan {
  int64_t weights = 0, gradients = 0, moments = 0, averages = 0, activations = 0;  // bytes
  int64_t cache_per_sample = 0;  // bytes of tower states and latents, where the towers are frozen
  std::string text;              // the plan with the parameters of every part

  int64_t total() const { return weights + gradients + moments + averages + activations; }
};

// Of the joint stage, at as many regions and objects as the configuration allows.
MemoryPlan plan_memory(const RunConfig& config, torch::ScalarType dtype);

}  // namespace reasonbrain::cli
