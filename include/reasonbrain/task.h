// What is trained. The trainer knows nothing of models: it sees a Task.
//
// Losses are sums with counts, never means: with one rank, several ranks or accumulated
// micro-batches the optimised value is always  sum over terms of  weight * (sum over all samples) /
// (count over all samples).
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reasonbrain/sample_source.h"

namespace reasonbrain::train {

// Collated samples; each task derives its own.
struct Batch {
  virtual ~Batch() = default;
  std::vector<std::string> sample_ids;  // for messages
};

// Where a batch stands in the run: every random draw is keyed by (seed, epoch, index, purpose).
struct BatchInfo {
  uint64_t seed = 0;
  int64_t epoch = 0;
  int64_t first_position = 0;    // position of its first sample within the epoch
  std::vector<int64_t> indices;  // index of each sample in the source
};

struct LossCount {
  std::string name;
  double count = 0;  // what the sum is divided by; 0: nothing of the term in this batch
};

struct LossTerm {
  std::string name;   // "mllm", "dm", ...: logged as loss_NAME
  torch::Tensor sum;  // scalar float32, sum over the batch; same names and order as counts()
  double weight = 1;  // 0: logged, not optimised
};

struct ParameterGroup {
  std::string name;
  std::vector<std::pair<std::string, torch::Tensor>>
      parameters;           // full name -> trainable parameter
  double lr_scale = 1;      // times the stage's learning rate
  double weight_decay = 0;  // decoupled
};

class Task {
 public:
  virtual ~Task() = default;

  // Stages run in order; each has its own optimiser, schedule and data order. Returns their names.
  virtual std::vector<std::string> stages() const = 0;
  // Prepares a stage: what requires a gradient, which losses are on. Error(kConfig) for a stage
  // that there is not, or that has nothing to learn.
  virtual void begin_stage(const std::string& stage) = 0;

  virtual std::shared_ptr<data::SampleSource> source() const = 0;

  // Pure and safe to call from several threads at once. May throw Error(kData) for a sample that
  // cannot be trained on and Error(kUsage) for an instruction that does not fit; train() passes
  // them on.
  virtual std::unique_ptr<Batch> collate(std::vector<data::Sample>&& samples,
                                         const BatchInfo& info) const = 0;
  // Known before the forward pass, so that micro-batches and ranks can be normalised exactly. The
  // same names in the same order for every batch; train() throws std::logic_error otherwise.
  virtual std::vector<LossCount> counts(const Batch& batch) const = 0;
  // The forward pass. Sums that are not finite are found by train().
  virtual std::vector<LossTerm> losses(const Batch& batch) = 0;

  // Everything that the stages train; the trainer saves these weights and their EMA by name.
  virtual torch::nn::Module& module() = 0;
  // Whether a parameter or buffer of module() stays as a folder holds it to which the model folder
  // refers: such ones are not written into checkpoints.
  virtual bool is_referenced(const std::string& /*name*/) const { return false; }
  // What those folders hold, name -> digest: a run does not go on with other ones.
  virtual std::map<std::string, std::string> references() { return {}; }
  // The trainable parameters of the present stage. No decay on norms, biases, queries, null tokens,
  // new rows.
  virtual std::vector<ParameterGroup> parameter_groups() = 0;

  // Fixed validation samples with fixed noise and t. Metric name -> value, such as "val_loss_dm",
  // "val_rule". Called without gradients, with the averaged weights, the module in eval mode. May
  // throw what the validation source, collate() and losses() throw.
  virtual std::map<std::string, double> evaluate() = 0;
  // The metric by which the best checkpoint is kept ("" = none) and its direction.
  virtual std::string best_metric() const { return ""; }
  virtual bool best_is_highest() const { return true; }

  // Pictures that show progress, written into `folder`. Error(kRuntime) when they cannot be
  // written, else what evaluate() throws.
  virtual void preview(const std::filesystem::path& folder) = 0;
  // A model folder (docs/architecture.md, "The model folder") of the module's present weights.
  // Error(kRuntime) when it cannot be written.
  virtual void export_model(const std::filesystem::path& folder) = 0;
};

}  // namespace reasonbrain::train
