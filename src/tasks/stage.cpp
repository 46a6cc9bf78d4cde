#include "tasks/stage.h"

#include "core/str.h"
#include "reasonbrain/error.h"
#include "tasks/selection_terms.h"

namespace reasonbrain::tasks {

Stage parse_stage(const std::string& name) {
  if (name == "reasoner") return Stage::kReasoner;
  if (name == "painter") return Stage::kPainter;
  if (name == "joint") return Stage::kJoint;
  throw config_error(
      str("train.stages: there is no stage '", name, "', expected reasoner, painter or joint"));
}

const LossOptions& losses_of(const TaskOptions& options, Stage stage) {
  switch (stage) {
    case Stage::kReasoner:
      return options.reasoner;
    case Stage::kPainter:
      return options.painter;
    default:
      return options.joint;
  }
}

void check_stage(const std::string& name, const TaskOptions& options,
                 const reason::ReasonOptions& model, bool has_labels) {
  const Stage stage = parse_stage(name);
  if (stage != Stage::kJoint && model.mllm_scope != reason::MllmScope::kAnswerWords) {
    throw config_error(
        str("stage '", name,
            "' learns from the outcome's words: set model.reason.mllm_scope to answer_words"));
  }
  const LossOptions& loss = losses_of(options, stage);
  const bool reasoning =
      stage != Stage::kPainter &&
      (loss.mllm > 0 || (loss.labels > 0 && has_labels) || !selection_terms(model).empty());
  const bool painting = stage != Stage::kReasoner && (loss.dm > 0 || loss.l1 > 0);
  if (reasoning || painting) return;
  throw config_error(str("stage '", name, "' has nothing to learn: the losses of task.", name,
                         " that it could have are all 0"));
}

}  // namespace reasonbrain::tasks
