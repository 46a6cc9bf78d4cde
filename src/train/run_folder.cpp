#include "train/run_folder.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <system_error>

#include "core/atomic_file.h"
#include "core/log.h"
#include "core/str.h"
#include "io/json.h"
#include "reasonbrain/error.h"

namespace reasonbrain::train {
namespace fs = std::filesystem;
namespace {

void remove_leftovers(const fs::path& folder) {
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder, absent)) {
    if (!is_temporary_name(entry.path().filename().string())) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

fs::path created(fs::path folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (!failure) return folder;
  throw runtime_error(str("cannot write the run folder ", folder.string(), ": ", failure.message(),
                          "; choose another one with --run"));
}

}  // namespace

RunFolder::RunFolder(fs::path folder)
    : folder_(created(std::move(folder))), lock_(folder_, FolderLock::Wait::kNo) {
  // Two trainers in one folder would remove each other's temporary files.
  if (!lock_.is_held()) {
    throw runtime_error(str("the run folder ", folder_.string(),
                            " is being written by another training; wait for its end, or choose "
                            "another one with --run"));
  }
  for (const fs::path& own : {folder_, checkpoints(), folder_ / "samples"})
    remove_leftovers(created(own));
  log::add_file(folder_ / "train.log");
}

fs::path RunFolder::checkpoint(int64_t step) const {
  return checkpoints() / checkpoint_name(step);
}

fs::path RunFolder::samples(int64_t step) const {
  return folder_ / "samples" / checkpoint_name(step);
}

void RunFolder::describe_run(const RunInfo& run, const std::string& data_fingerprint) const {
  write_file_atomic(folder_ / "config.resolved.yaml", run.resolved_config);
  nlohmann::json environment = io::parse_json(run.environment, "the environment of the run");
  environment["libtorch"] = TORCH_VERSION;
  environment["threads"] = at::get_num_threads();
  environment["data_workers"] = run.data_workers;
  environment["data_hash"] = data_fingerprint;
  environment["seed"] = run.seed;
  io::write_json(folder_ / "env.json", environment);
}

void RunFolder::remove_best() const {
  if (fs::exists(best())) remove_checkpoint(best());
}

std::optional<Checkpoint> RunFolder::resume_point(const std::string& resume) const {
  if (resume == "auto") return newest_checkpoint(checkpoints());
  if (resume == "none") {
    const auto entries = list_checkpoints(checkpoints());
    if (entries.empty()) return std::nullopt;
    throw usage_error(str(folder_.string(), " already holds a run up to step ", entries.back().step,
                          ": continue it with --resume auto, or choose another folder with --run"));
  }
  const fs::path named = resume;
  if (!fs::is_directory(named)) {
    throw data_error(str("nothing to resume from at ", resume,
                         ": expected auto, none, a checkpoint folder or a run folder"));
  }
  if (!fs::is_directory(named / "checkpoints")) return open_checkpoint(named);
  std::optional<Checkpoint> checkpoint = newest_checkpoint(named / "checkpoints");
  if (!checkpoint) throw data_error("no complete checkpoint in run folder " + resume);
  return checkpoint;
}

void RunFolder::set_aside_after(int64_t step) const {
  const auto set_aside = [&](const fs::path& checkpoint) {
    const fs::path aside = checkpoints() / ("superseded-" + checkpoint.filename().string());
    std::error_code failure;
    fs::remove_all(aside, failure);
    fs::rename(checkpoint, aside, failure);
    if (failure) {
      throw runtime_error(str("cannot rename ", checkpoint.string(), ": ", failure.message()));
    }
    log::warning(str("the run goes back to step ", step, ": ", checkpoint.string(),
                     " is set aside as ", aside.string()));
  };
  for (const CheckpointEntry& entry : list_checkpoints(checkpoints())) {
    if (entry.step > step) set_aside(entry.folder);
  }
  if (!fs::exists(best())) return;
  const auto is_beyond = [&] {
    try {
      return open_checkpoint(best()).trainer_state.value("step", int64_t{0}) > step;
    } catch (const Error&) {
      return true;  // damaged: of no use
    }
  };
  if (is_beyond()) set_aside(best());
}

}  // namespace reasonbrain::train
