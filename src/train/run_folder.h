// The names inside a run folder, and finding where a run goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/folder_lock.h"
#include "reasonbrain/trainer.h"
#include "train/checkpoint.h"

namespace reasonbrain::train {

class RunFolder {
 public:
  // Created when missing; temporary files that a killed run left are removed. From now on log
  // messages also go to train.log. Error(kRuntime) when it cannot be written and
  // while another trainer has it.
  explicit RunFolder(std::filesystem::path folder);

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path metrics() const { return folder_ / "metrics.jsonl"; }
  std::filesystem::path events() const { return folder_ / "tb"; }
  std::filesystem::path curves() const { return folder_ / "curves.html"; }
  std::filesystem::path checkpoints() const { return folder_ / "checkpoints"; }
  std::filesystem::path checkpoint(int64_t step) const;
  std::filesystem::path best() const { return checkpoints() / "best"; }
  std::filesystem::path samples(int64_t step) const;

  // config.resolved.yaml and env.json (entries of `environment`, the libraries, the data).
  void describe_run(const RunInfo& run, const std::string& data_fingerprint) const;

  void remove_best() const;

  // Where RunInfo::resume says to go on; nullopt to start anew. Errors: kUsage (none, but there are
  // checkpoints), kData (a named one that is missing or damaged).
  std::optional<Checkpoint> resume_point(const std::string& resume) const;

  // Renames the checkpoints beyond `step`, the best one among them, to superseded-NAME, for the run
  // takes another way.
  void set_aside_after(int64_t step) const;

 private:
  std::filesystem::path folder_;
  FolderLock lock_;
};

}  // namespace reasonbrain::train
