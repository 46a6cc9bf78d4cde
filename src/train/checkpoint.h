// Checkpoint folders: model/ (a model folder), state/ (everything to go on from) and COMPLETE.
//
// state/ holds weights, optimizer and ema as safetensors, trainer_state.json, and manifest.json
// with the SHA-256 of every file of the checkpoint, so that damage is found before anything is
// loaded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "optim/adamw.h"
#include "optim/ema.h"
#include "reasonbrain/task.h"

namespace reasonbrain::train {

// Replaces an existing folder. `ema` may be null. Error(kRuntime) leaves what was there before.
void write_checkpoint(const std::filesystem::path& destination, Task& task,
                      const optim::AdamW& optimizer, optim::Ema* ema,
                      const nlohmann::json& trainer_state);

struct Checkpoint {
  std::filesystem::path folder;
  nlohmann::json trainer_state;
};

// Error(kData) when it is incomplete or any file is missing or damaged.
Checkpoint open_checkpoint(const std::filesystem::path& folder);

// Into the module, the optimiser and the EMA (null when the stage has none). Error(kConfig) when
// their parameters are not those of the checkpoint.
void load_checkpoint(const Checkpoint& checkpoint, Task& task, optim::AdamW& optimizer,
                     optim::Ema* ema);

struct CheckpointEntry {
  int64_t step = 0;
  std::filesystem::path folder;
};

std::string checkpoint_name(int64_t step);  // "step-000100"

// The step-N folders inside `folder`, oldest first, complete or not.
std::vector<CheckpointEntry> list_checkpoints(const std::filesystem::path& folder);

// The newest that is whole; those passed over are warned of by name. nullopt when there is none.
std::optional<Checkpoint> newest_checkpoint(const std::filesystem::path& folder);

// Out of sight in one step, for a folder half removed would look like damage. A failure only warns.
void remove_checkpoint(const std::filesystem::path& folder);

// Removes step-N folders up to `step` but the newest keep_last and multiples of keep_every (0:
// none).
void prune_checkpoints(const std::filesystem::path& folder, int64_t step, int64_t keep_last,
                       int64_t keep_every);

}  // namespace reasonbrain::train
