// ReasonBrain's reasoning half: from the encoder's states to the guidance of the denoiser (paper
// section 4).
//
// Legend: B batch, N patches, r guidance tokens, q queries, D LLM width, d cue width, W QFormer
// width.
#pragma once

#include "models/llama/llama.h"
#include "models/qformer/qformer.h"
#include "nn/state_dict.h"
#include "reason/cme.h"
#include "reason/frce.h"
#include "reason/image_adapter.h"
#include "reason/inputs.h"
#include "reason/options.h"
#include "reason/pass_statistics.h"

namespace reasonbrain::reason {

// Positions of each part in the LLM's sequence (Eq. 3), as [begin, end).
struct SequenceLayout {
  int64_t length = 0;
  int64_t image_begin = 0, image_end = 0;      // IA's tokens
  int64_t visual_begin = 0, visual_end = 0;    // R_V
  int64_t local_end = 0;                       // of the patch cues, the first in R_V
  int64_t objects_begin = 0, objects_end = 0;  // R_T
  int64_t text_begin = 0, text_end = 0;        // prompt texts and instruction
  int64_t img_begin = 0, img_end = 0;          // [IMG_1..r]
};

struct ModelOutputs {
  Guidance guidance;
  torch::Tensor states;     // V [B, r, D]: final-norm states at the guidance tokens
  torch::Tensor negative;   // the same with the least attended picture tokens, without gradient;
                            // undefined unless drawn
  torch::Tensor logits;     // [B, r, vocabulary (+ r + 2)] of what mllm_scope scores, or undefined
  torch::Tensor reasoning;  // V-hat [B, q, W], before any projection
  Cues cues;
  SequenceLayout layout;
  PassStatistics statistics;
};

struct ModelSizes {
  int64_t vision_width = 0;  // CLIP vision hidden size
  int64_t text_width = 0;    // CLIP text hidden size
};

class ModelImpl : public nn::Module {
 public:
  ModelImpl(const ReasonOptions& options, const ModelSizes& sizes, models::llama::Llama llm,
            const models::qformer::QFormerConfig& qformer, const nn::Build& build);

  // One deterministic pass, the same in training and inference but for `draw`. `paint` false stops
  // after the LLM: guidance and reasoning stay undefined.
  ModelOutputs forward(const Inputs& inputs, bool want_logits, bool paint = true,
                       models::llama::LayerHook* hook = nullptr, const SelectionDraw& draw = {});

  // Of token_propagation.layers: the loss of form penalty, and the mean entropy, without gradient;
  // scalars.
  torch::Tensor propagation_penalty();
  torch::Tensor propagation_entropy();

  // New rows of the token table start at the mean of the old ones plus noise, and the LLM's
  // spectrum is noted where token propagation compares with it. Call once the LLM is there.
  void init_new_rows(uint64_t seed);

  // IA starts from LLaVA's projector, and fresh, with a warning that names `origin`, where that has
  // other layers.
  void start_image_adapter(const nn::StateDict& projector, const std::string& origin);

  // Lets learn what feeds the LLM (cues, adapters, new rows), and what reads from it (QFormer,
  // enhancers).
  void train_reasoning();
  void train_conditioning();

  // Ids that logits are scored against for mllm_scope img_tokens: vocabulary + 0..r-1, int64 [r].
  torch::Tensor img_token_ids() const;

  models::llama::Llama llm = nullptr;

 private:
  torch::Tensor sequence(const Inputs& inputs, const Cues& cues, SequenceLayout& layout,
                         torch::Tensor& mask);
  void enhance(const Inputs& inputs, ModelOutputs& out);
  // The LLM's final states at the guidance tokens and the position before them [B, r + 1, D],
  // under token selection and propagation.
  torch::Tensor read(const torch::Tensor& embeddings, const torch::Tensor& mask,
                     const SequenceLayout& layout, const TokenSelectionOptions& selection,
                     bool training, models::llama::LayerHook* hook, PassStatistics& statistics);

  ReasonOptions options_;
  ImageAdapter image_adapter_ = nullptr;
  Frce frce_ = nullptr;
  nn::Linear visual_to_llm_ = nullptr, objects_to_llm_ = nullptr;  // R_V, R_T: d -> D
  torch::Tensor new_rows_;           // [r + 2, D]: IMG_1..r, im_start, im_end
  torch::Tensor new_head_rows_;      // [r, D] for mllm_scope img_tokens, else undefined
  torch::Tensor query_tokens_;       // [q, W]
  torch::Tensor propagation_start_;  // [layers, heads], for token_propagation relative and penalty
  models::qformer::QFormer qformer_ = nullptr;
  nn::Linear reasoning_to_cme_ = nullptr;  // W -> d where they differ
  nn::Linear text_to_cme_ = nullptr;       // CLIP text width -> d
  Enhancer cme_visual_ = nullptr, cme_textual_ = nullptr;
};
TORCH_MODULE(Model);

}  // namespace reasonbrain::reason
