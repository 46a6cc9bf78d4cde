// Options against hallucination in the language model: token selection with its contrast loss,
// token propagation (paper Appendix C, which names SID and TAME and gives no formula: the
// definitions are ours).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::reason {

// Whether something acts in training, in inference (evaluation and editing), or in both.
enum class ApplyAt { kBoth, kTrain, kInfer };

inline bool applies(ApplyAt at, bool training) {
  return at == ApplyAt::kBoth || training == (at == ApplyAt::kTrain);
}

// What a training batch draws; evaluation and editing use the defaults.
struct SelectionDraw {
  double strength = 1;    // how far the warm-up is: 0 (all are kept) to 1 (keep_ratio)
  bool contrast = false;  // whether the pass with the least attended tokens runs as well
  bool training = false;  // as ApplyAt asks
};

enum class SelectionMode { kKeepTop, kKeepBottom };
enum class SelectionRows { kLast, kInstruction, kImg, kMixed };
enum class SelectionExecution { kAuto, kMask, kDrop };
enum class SelectionTokens { kVision, kVisionAndLocal };

// Which picture tokens the layers behind `layer` still see: those that the instruction (and the
// objects) or the guidance tokens attend to there. SID scores in the same way (Huo et al. 2025).
struct TokenSelectionOptions {
  bool enabled = false;
  SelectionMode mode = SelectionMode::kKeepTop;
  int64_t layer = 2;
  double keep_ratio = 0.5;
  int64_t keep_min = 32;
  int64_t keep_count = 0;  // > 0: this many, whatever the ratio
  SelectionRows rows = SelectionRows::kMixed;
  double instruction_weight = 0.5;  // of mixed rows
  SelectionTokens eligible = SelectionTokens::kVision;
  SelectionExecution execution = SelectionExecution::kAuto;
  double keep_all_prob = 0;    // training only, as warmup_samples
  int64_t warmup_samples = 0;  // keep_ratio is reached from 1 within so many, in eight steps
  ApplyAt apply_at = ApplyAt::kBoth;
  double cut = 1;  // share of what is to be dropped that is dropped; set by at(), not an option
  void describe(OptionVisitor& v);

  int64_t count(int64_t num_eligible) const;

  // SelectionDraw::strength after so many samples.
  double strength(int64_t num_samples) const;
  // Those of a batch that drew so; not enabled where none acts.
  TokenSelectionOptions at(const SelectionDraw& draw) const;
};

// A loss that drives V away from what it would be with the least attended picture tokens alone.
struct ContrastOptions {
  bool enabled = false;
  double weight = 0.05;
  double margin = 0.1;
  double keep_ratio = 0.1;  // of the pass with the least attended ones
  int64_t every = 4;
  void describe(OptionVisitor& v);

  // That pass; layer, rows and eligible are those of `base`.
  TokenSelectionOptions selection(const TokenSelectionOptions& base) const;
};

enum class PropagationForm { kActivation, kWeight, kRelative, kPenalty };
enum class PropagationGranularity { kHead, kBatch };

// A factor on the attention logits of each head, after TAME (Tang et al. 2025), or a loss in place
// of it (penalty).
struct TokenPropagationOptions {
  bool enabled = false;
  PropagationForm form = PropagationForm::kRelative;
  double gamma = 0.8;
  double xi = 1e-6;
  double clamp = 0.2;  // relative: at most so far from 1
  PropagationGranularity granularity = PropagationGranularity::kHead;
  std::vector<int64_t> layers;  // empty: all
  double penalty_weight = 0;
  ApplyAt apply_at = ApplyAt::kBoth;  // of factors; a penalty is training's anyway
  void describe(OptionVisitor& v);

  bool scales() const { return enabled && form != PropagationForm::kPenalty; }
  bool scales_in(bool training) const { return scales() && applies(apply_at, training); }
  bool penalizes() const { return enabled && form == PropagationForm::kPenalty; }
};

}  // namespace reasonbrain::reason
