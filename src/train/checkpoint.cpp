#include "train/checkpoint.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <system_error>

#include "core/atomic_file.h"
#include "core/log.h"
#include "core/sha256.h"
#include "core/str.h"
#include "io/json.h"
#include "nn/state_dict.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kComplete = "COMPLETE";
constexpr const char* kManifest = "state/manifest.json";
constexpr const char* kTrainerState = "state/trainer_state.json";
constexpr const char* kWeights = "state/weights.safetensors";
constexpr const char* kOptimizer = "state/optimizer.safetensors";
constexpr const char* kEma = "state/ema.safetensors";
constexpr const char* kStepPrefix = "step-";

nlohmann::json manifest_of(const fs::path& folder) {
  nlohmann::json manifest = nlohmann::json::object();
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    manifest[fs::relative(entry.path(), folder).generic_string()] = sha256_file(entry.path());
  }
  return manifest;
}

void verify(const fs::path& folder) {
  const nlohmann::json manifest = io::read_json(folder / kManifest);
  for (const char* file : {kTrainerState, kWeights, kOptimizer}) {
    if (!manifest.contains(file)) throw data_error(str(folder.string(), " does not list ", file));
  }
  for (const auto& [name, digest] : manifest.items()) {
    if (sha256_file(folder / name) != digest) {
      throw data_error(
          str((folder / name).string(), " is damaged: its checksum is not the one in ", kManifest));
    }
  }
}

nn::StateDict own_state(Task& task) {
  nn::StateDict state = nn::state_dict(task.module());
  std::erase_if(state, [&](const auto& entry) { return task.is_referenced(entry.first); });
  return state;
}

}  // namespace

void write_checkpoint(const fs::path& destination, Task& task, const optim::AdamW& optimizer,
                      optim::Ema* ema, const nlohmann::json& trainer_state) {
  AtomicFolder folder(destination);
  io::save_safetensors(folder.path() / kWeights, own_state(task));
  io::save_safetensors(folder.path() / kOptimizer, optimizer.state());
  if (ema != nullptr) io::save_safetensors(folder.path() / kEma, ema->state());
  io::write_json(folder.path() / kTrainerState, trainer_state);
  {
    const optim::EmaScope averaged(ema);
    task.export_model(folder.path() / "model");
  }
  io::write_json(folder.path() / kManifest, manifest_of(folder.path()));
  write_file_atomic(folder.path() / kComplete, "");
  folder.commit(/*replace=*/true);
}

Checkpoint open_checkpoint(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw data_error("no checkpoint at " + folder.string());
  if (!fs::exists(folder / kComplete)) {
    throw data_error(
        str("checkpoint ", folder.string(), " is not complete: it has no file ", kComplete));
  }
  verify(folder);
  return {folder, io::read_json(folder / kTrainerState)};
}

void load_checkpoint(const Checkpoint& checkpoint, Task& task, optim::AdamW& optimizer,
                     optim::Ema* ema) {
  const fs::path& folder = checkpoint.folder;
  const io::TensorMap weights = io::load_safetensors(folder / kWeights);
  const io::TensorMap moments = io::load_safetensors(folder / kOptimizer);
  const bool has_averages = fs::exists(folder / kEma);
  if (has_averages != (ema != nullptr)) {
    throw config_error(str("cannot resume from ", folder.string(), ": it was written with EMA ",
                           has_averages ? "on" : "off", ", the configuration has it ",
                           has_averages ? "off" : "on", " (ema_decay)"));
  }
  try {
    nn::load_state_dict(
        task.module(), weights,
        {.origin = folder.string(),
         .may_be_missing = [&](const std::string& name) { return task.is_referenced(name); },
         .may_be_extra = {}});
    optimizer.load_state(moments);
    if (ema != nullptr) ema->load_state(io::load_safetensors(folder / kEma));
  } catch (const Error& problem) {
    throw config_error(str("cannot resume from ", folder.string(),
                           ": the configuration trains other parameters; ", problem.what()));
  }
}

std::string checkpoint_name(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "%s%06lld", kStepPrefix, static_cast<long long>(step));
  return name;
}

std::vector<CheckpointEntry> list_checkpoints(const fs::path& folder) {
  std::vector<CheckpointEntry> entries;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder, absent)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory() || !starts_with(name, kStepPrefix)) continue;
    const std::string digits = name.substr(std::string(kStepPrefix).size());
    const bool is_number =
        !digits.empty() && digits.size() <= 12 &&
        std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c); });
    if (is_number) entries.push_back({std::stoll(digits), entry.path()});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.step < b.step; });
  return entries;
}

std::optional<Checkpoint> newest_checkpoint(const fs::path& folder) {
  std::vector<CheckpointEntry> entries = list_checkpoints(folder);
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    try {
      return open_checkpoint(entry->folder);
    } catch (const Error& problem) {
      log::warning(str("passing over checkpoint ", entry->folder.string(), ": ", problem.what()));
    }
  }
  return std::nullopt;
}

void remove_checkpoint(const fs::path& folder) {
  const fs::path doomed =
      folder.parent_path() / ("." + folder.filename().string() + ".tmp-removed");
  std::error_code failure;
  fs::remove_all(doomed, failure);
  fs::rename(folder, doomed, failure);
  fs::remove_all(failure ? folder : doomed, failure);
  if (failure) log::warning(str("cannot remove ", folder.string(), ": ", failure.message()));
}

void prune_checkpoints(const fs::path& folder, int64_t step, int64_t keep_last,
                       int64_t keep_every) {
  if (keep_last == 0) return;
  std::vector<CheckpointEntry> entries = list_checkpoints(folder);
  std::erase_if(entries, [step](const CheckpointEntry& entry) { return entry.step > step; });
  for (int64_t i = 0; i + keep_last < static_cast<int64_t>(entries.size()); ++i) {
    const CheckpointEntry& entry = entries[static_cast<size_t>(i)];
    if (keep_every == 0 || entry.step % keep_every != 0) remove_checkpoint(entry.folder);
  }
}

}  // namespace reasonbrain::train
