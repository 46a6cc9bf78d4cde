#include "edit/backend.h"

#include "core/log.h"
#include "core/str.h"
#include "edit/instruct_pix2pix_backend.h"
#include "reason/object_reader.h"
#include "reason/pipeline.h"
#include "text/objects.h"

namespace reasonbrain::edit {
namespace {

// Such edits are what the model folder asks for, but they come from another LLM than was trained.
void warn_of_training_only(const reason::ReasonOptions& options) {
  const auto warn = [](const char* name, bool acts, reason::ApplyAt apply_at) {
    if (!acts || apply_at != reason::ApplyAt::kTrain) return;
    log::warning(str("reason.", name, ".apply_at is train: edits are made without it"));
  };
  const auto& selection = options.token_selection;
  const auto& propagation = options.token_propagation;
  warn("token_selection", selection.enabled, selection.apply_at);
  warn("token_propagation", propagation.scales(), propagation.apply_at);
}

class ReasonBrainBackend : public Backend {
 public:
  explicit ReasonBrainBackend(std::shared_ptr<reason::Pipeline> pipeline)
      : pipeline_(std::move(pipeline)) {
    pipeline_->eval();
    warn_of_training_only(pipeline_->options().reason);
    for (const torch::Tensor& parameter : pipeline_->parameters())
      num_parameters_ += parameter.numel();
  }

  TurnResult run_turn(const std::vector<reason::Picture>& pictures,
                      const std::vector<SampleJob>& jobs, const reason::PaintSettings& settings,
                      int64_t batch_size, bool explain) override {
    return edit::run_turn(*pipeline_, pictures, jobs, settings, batch_size, explain);
  }
  void check_instruction(const std::string& instruction) const override {
    pipeline_->processor().instruction_tokens(instruction);
  }
  int64_t picture_side() const override { return pipeline_->processor().picture_side(); }
  std::vector<std::string> find_objects(const std::string& instruction,
                                        bool by_rules) const override {
    const auto& options = pipeline_->options();
    const auto max_objects = static_cast<int>(options.reason.idc.max_objects);
    if (by_rules || options.inference.object_source == reason::ObjectSource::kRules) {
      return text::extract_objects(instruction, max_objects);
    }
    return reason::read_objects(*pipeline_->model->llm, pipeline_->processor().llm_tokenizer(),
                                instruction, max_objects);
  }
  bool reads_regions() const override { return true; }
  reason::InferenceOptions defaults() const override { return pipeline_->options().inference; }
  const Placement& placement() const override { return pipeline_->placement(); }
  int64_t num_parameters() const override { return num_parameters_; }
  const std::string& sha256() const override { return pipeline_->sha256(); }

 private:
  std::shared_ptr<reason::Pipeline> pipeline_;
  int64_t num_parameters_ = 0;
};

}  // namespace

std::unique_ptr<Backend> load_backend(const std::filesystem::path& model,
                                      const Placement& placement) {
  if (InstructPix2Pix::is_folder(model)) return load_instruct_pix2pix(model, placement);
  return std::make_unique<ReasonBrainBackend>(reason::Pipeline::load(model, placement));
}

}  // namespace reasonbrain::edit
