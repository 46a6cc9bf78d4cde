// Training ReasonBrain: the stages `reasoner`, `painter` and `joint`.
//
//   reasoner  towers, cue extraction and LLM on the outcome's words and on attribute words
//   painter   the denoiser on the outcome's words, through a small encoder that is thrown away
//   joint     the whole model with the losses of the paper; parts.X.train decides what of a part
//             learns
#pragma once

#include <functional>

#include "core/placement.h"
#include "reason/pipeline.h"
#include "reasonbrain/protocol.h"
#include "tasks/collate.h"
#include "tasks/heads.h"
#include "tasks/stage.h"

namespace reasonbrain::tasks {

struct TaskData {
  std::shared_ptr<data::SampleSource> train;
  std::shared_ptr<data::SampleSource> validation;  // may be empty: no evaluation
  std::shared_ptr<const eval::Protocol> protocol;  // may be empty: validation losses only
};

class ReasonBrainTask : public train::Task {
 public:
  // `stages` in the order in which they will run.
  ReasonBrainTask(std::shared_ptr<reason::Pipeline> pipeline, const TaskOptions& options,
                  TaskData data, std::vector<std::string> stages, uint64_t seed);

  std::vector<std::string> stages() const override { return stages_; }
  void begin_stage(const std::string& stage) override;
  std::shared_ptr<data::SampleSource> source() const override { return data_.train; }
  std::unique_ptr<train::Batch> collate(std::vector<data::Sample>&& samples,
                                        const train::BatchInfo& info) const override;
  std::vector<train::LossCount> counts(const train::Batch& batch) const override;
  std::vector<train::LossTerm> losses(const train::Batch& batch) override;
  torch::nn::Module& module() override { return *root_; }
  bool is_referenced(const std::string& name) const override;
  std::map<std::string, std::string> references() override { return pipeline_->references(); }
  std::vector<train::ParameterGroup> parameter_groups() override;
  std::map<std::string, double> evaluate() override;
  // The protocol's; without one a loss on the validation samples.
  std::string best_metric() const override;
  bool best_is_highest() const override;
  void preview(const std::filesystem::path& folder) override;
  void export_model(const std::filesystem::path& folder) override { pipeline_->save(folder); }

 private:
  struct Forward {
    reason::Inputs inputs;
    reason::ModelOutputs outputs;
    // Of the denoiser; undefined in the reasoner stage.
    torch::Tensor prediction, noisy, target_latent;
    diffusion::NoiseLevel<torch::Tensor> level;
  };

  bool paints() const { return stage_ != Stage::kReasoner; }
  bool reasons() const { return stage_ != Stage::kPainter; }
  const LossOptions& loss() const { return losses_of(options_, stage_); }
  bool learns_labels() const { return loss().labels > 0 && !labels_.is_empty(); }
  bool learns_alignment() const {
    return stage_ == Stage::kJoint && loss().align > 0 && !answers_.is_empty();
  }
  bool learns_object_labels() const;  // not where the ID Controller answers with region tokens
  bool measures_remaining(const ReasonBatch& batch) const;
  Forward run(const ReasonBatch& batch);
  void add_reasoning_terms(const ReasonBatch& batch, const reason::ModelOutputs& outputs,
                           std::vector<train::LossTerm>& terms);
  void add_painting_terms(const ReasonBatch& batch, const Forward& forward,
                          std::vector<train::LossTerm>& terms);
  torch::Tensor weights(
      const ReasonBatch& batch) const;  // of L_DM, broadcast over the latent [B, C, h, w]
  // Edits as the stage can; -> pictures.
  std::vector<io::Image> edit(const std::vector<data::Sample>& samples);
  std::vector<data::Sample> load_validation(int64_t begin, int64_t end) const;
  struct Mean {
    double sum = 0, count = 0;
  };
  // Of samples that begin with number `begin` of the source.
  void add_validation_losses(const std::vector<data::Sample>& samples, int64_t begin,
                             std::map<std::string, Mean>& means);
  double answer_accuracy(const std::vector<data::Sample>& samples);

  std::shared_ptr<reason::Pipeline> pipeline_;
  TaskOptions options_;
  TaskData data_;
  std::vector<std::string> stages_, terms_;
  uint64_t seed_;
  std::unique_ptr<Collator> collator_, plain_collator_;  // for training; without any mix
  LabelHeads labels_ = nullptr;
  AnswerEncoder answers_ = nullptr;
  std::shared_ptr<torch::nn::Module> root_;
  Stage stage_ = Stage::kJoint;
};

}  // namespace reasonbrain::tasks
