// Options of ReasonBrain's own parts (paper section 4; sizes of Tab. A4). Saved as
// reason/config.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reason/hallucination_options.h"
#include "reasonbrain/describe.h"

namespace reasonbrain::reason {

// Text around the picture and the instruction in the LLM's sequence (Eq. 3):
// [BOS prefix | im_start IA im_end | R_V | R_T | after_vision instruction suffix | IMG_1..r].
struct PromptOptions {
  std::string prefix, after_vision, suffix;
  int64_t max_instruction_tokens = 256;
  void describe(OptionVisitor& v);
};

enum class ProjectorType { kLinear, kMlp2xGelu };

// IA: the image adapter between CLIP and the LLM; LLaVA's mm_projector.
struct ImageAdapterOptions {
  int64_t select_layer = -2;  // CLIP hidden state it reads
  int64_t pool = 1;           // averages pool x pool patches into one token
  ProjectorType type = ProjectorType::kLinear;
  void describe(OptionVisitor& v);
};

// What the region branch pools under each mask. kFeatures: F, as the patch branch reads it. kTower:
// the mean of the CLIP hidden states themselves, so that a region's token keeps their whole width
// (Tab. A4's count at d = 704).
enum class RegionInput { kFeatures, kTower };

// Fine-grained reasoning cue extraction: patch and region branch, ID Controller.
struct FrceOptions {
  bool patch = true;
  bool region = true;
  bool to_cme = true;                             // false: the cues reach only the LLM (Tab. A11)
  std::vector<int64_t> layers = {6, 12, 18, 23};  // CLIP hidden states, summed after one 1x1 each
  int64_t patch_layers = 3;
  int64_t region_layers = 2;
  RegionInput region_input = RegionInput::kFeatures;
  int64_t max_regions = 32;
  void describe(OptionVisitor& v);
};

enum class IdQuery { kObject, kVisual };

struct IdControllerOptions {
  bool enabled = true;
  IdQuery query = IdQuery::kObject;
  int64_t max_objects = 16;
  void describe(OptionVisitor& v);
};

enum class CmeMode { kFull, kReasoningToEditing, kSimpleCa, kPlain };

struct CmeOptions {
  CmeMode mode = CmeMode::kFull;  // Tab. A9, A12
  bool visual = true;             // Tab. 4 rows 5, 6
  bool textual = true;
  bool visual_on() const { return visual && mode != CmeMode::kPlain; }
  bool textual_on() const {
    return textual && (mode == CmeMode::kFull || mode == CmeMode::kReasoningToEditing);
  }
  void describe(OptionVisitor& v);
};

enum class MllmScope { kImgTokens, kAnswerWords };

struct ReasonOptions {
  int64_t width = 1024;  // d
  int64_t num_heads = 16;
  int64_t num_guidance_tokens = 32;  // r
  int64_t num_queries = 77;          // q
  double initializer_range = 0.02;
  MllmScope mllm_scope = MllmScope::kImgTokens;
  PromptOptions prompt;
  ImageAdapterOptions image_adapter;
  FrceOptions frce;
  IdControllerOptions idc;
  CmeOptions cme;
  TokenSelectionOptions token_selection;
  TokenPropagationOptions token_propagation;
  ContrastOptions contrast;
  void describe(OptionVisitor& v);

  // Throws Error(kConfig) when options contradict each other.
  void validate() const;
};

}  // namespace reasonbrain::reason
