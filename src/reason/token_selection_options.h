// Options of token selection and token propagation in the language model, against hallucination
// (paper Appendix C, which names SID and TAME and gives no formula: the definitions are ours).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::reason {

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
  void describe(OptionVisitor& v);

  int64_t count(int64_t num_eligible) const;
};

enum class PropagationForm { kActivation, kWeight, kRelative };
enum class PropagationGranularity { kHead, kBatch };

// A factor on the attention logits of each head, after TAME (Tang et al. 2025).
struct TokenPropagationOptions {
  bool enabled = false;
  PropagationForm form = PropagationForm::kRelative;
  double gamma = 0.8;
  double xi = 1e-6;
  double clamp = 0.2;  // relative: at most so far from 1
  PropagationGranularity granularity = PropagationGranularity::kHead;
  std::vector<int64_t> layers;  // empty: all
  void describe(OptionVisitor& v);
};

}  // namespace reasonbrain::reason
