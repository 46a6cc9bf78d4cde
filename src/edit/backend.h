// What an Editor edits with: a ReasonBrain, or another editor of the field to compare with.
#pragma once

#include <filesystem>
#include <memory>

#include "core/placement.h"
#include "edit/turn.h"
#include "reason/pipeline_options.h"

namespace reasonbrain::edit {

// Safe to use from several threads, as Editor is.
class Backend {
 public:
  virtual ~Backend() = default;

  // Job rows are positions in `pictures`. At most `batch_size` rows go through the model at once.
  virtual TurnResult run_turn(const std::vector<reason::Picture>& pictures,
                              const std::vector<SampleJob>& jobs,
                              const reason::PaintSettings& settings, int64_t batch_size,
                              bool explain) = 0;

  // Error(kUsage) for an instruction that is empty, not UTF-8 or too long.
  virtual void check_instruction(const std::string& instruction) const = 0;

  virtual int64_t picture_side() const = 0;
  // What an instruction speaks of, where no objects are given; empty where none are read.
  virtual std::vector<std::string> find_objects(const std::string& instruction,
                                                bool by_rules) const = 0;
  virtual bool reads_regions() const = 0;
  virtual reason::InferenceOptions defaults() const = 0;
  virtual const Placement& placement() const = 0;
  virtual int64_t num_parameters() const = 0;
  virtual const std::string& sha256() const = 0;
};

// By the _class_name of the folder's model_index.json: a model folder, checkpoint or run folder of
// ReasonBrain, or a diffusers folder of InstructPix2Pix. Throws Error(kData).
std::unique_ptr<Backend> load_backend(const std::filesystem::path& model,
                                      const Placement& placement);

}  // namespace reasonbrain::edit
