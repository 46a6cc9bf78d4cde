// Options of the task that trains ReasonBrain: losses, condition dropout, mixes of inputs.
#pragma once

#include <cstdint>
#include <string>

#include "diffusion/time_draw.h"
#include "reasonbrain/describe.h"

namespace reasonbrain::tasks {

// Weights of the losses. The paper: mllm 1, dm 1, the others 0.
struct LossOptions {
  double mllm = 1;         // L_MLLM (Eq. A1, or the outcome's words: model.reason.mllm_scope)
  double dm = 1;           // L_DM (Eq. A2)
  double l1 = 0;           // L1 of the predicted picture, weighted like L_DM
  double edit_weight = 1;  // weight of pixels that any outcome changes, against 1 elsewhere
  double edit_share = 0;   // share of the weight by how pixels tell a sample's outcomes apart
  double labels = 0;       // attribute words read from region and object tokens
  double align = 0;        // context against the painter stage's encoding of the answer
  void describe(OptionVisitor& v);
};

// Shares of samples whose inputs are replaced, so that editing without a mask or object list is no
// shift.
struct MixOptions {
  double drop_regions = 0.1;    // none at all
  double grid_regions = 0.1;    // a regular grid
  double kmeans_regions = 0.2;  // found in the picture
  double rule_objects = 0.3;    // found in the instruction by rules
  double drop_text = 0.05;      // condition dropout
  double drop_image = 0.05;
  double drop_both = 0.05;
  double open_gate = 0;  // joint stage: copy_paint must paint what changes
  void describe(OptionVisitor& v);
  static MixOptions none() { return {0, 0, 0, 0, 0, 0, 0, 0}; }
};

struct EvaluationOptions {
  int64_t samples = 96;  // of the validation source
  int64_t previews = 12;
  int64_t batch_size = 32;  // samples at once
  void describe(OptionVisitor& v);
};

struct TaskOptions {
  LossOptions reasoner, painter, joint;
  MixOptions mix;
  diffusion::TimeOptions time;
  EvaluationOptions evaluation;
  // In the joint stage, against its learning rate: of towers, cue extraction and LLM, and of the
  // denoiser.
  double mllm_lr_scale = 1;
  double denoiser_lr_scale = 1;
  void describe(OptionVisitor& v);
  void validate() const;  // Error(kConfig): shares of samples that exclude each other exceed 1
};

}  // namespace reasonbrain::tasks
