// Token selection inside one pass of the language model.
// Legend: B batch, T positions, R scored rows, E eligible positions, H heads.
#pragma once

#include <torch/types.h>

#include "models/llama/layer_hook.h"
#include "reason/hallucination_options.h"
#include "reason/pass_statistics.h"

namespace reasonbrain::reason {

// What the pass is made of.
struct SelectionInput {
  torch::Tensor eligible;     // int64 [E], ascending positions that may go
  torch::Tensor asking;       // int64 [A], positions of objects and instruction
  torch::Tensor asking_keep;  // bool [B, A], false: padding
  int64_t img_begin = 0, img_end = 0;
  int64_t length = 0;  // T
};

// S [B, E]: attention to the eligible positions, mean over heads and over the valid rows.
torch::Tensor selection_scores(const torch::Tensor& weights,  // [B, H, R, T]: asking, then img rows
                               const SelectionInput& input, const TokenSelectionOptions& options);

// Indices into the eligible positions, ascending, int64 [B, k]; equal scores: the lower one.
torch::Tensor select_tokens(const torch::Tensor& scores,  // [B, E]
                            int64_t count, SelectionMode mode);

// Sum of relu(margin - (1 - cos)) over samples and guidance tokens, scalar float32.
torch::Tensor contrast_sum(const torch::Tensor& states,    // V [B, r, D]
                           const torch::Tensor& negative,  // [B, r, D]
                           double margin);

// Scores at `options.layer` and keeps the chosen ones from the next layer on. `next` sees the same
// pass and may be null; with it nothing is dropped, so that its positions stay what they are.
class TokenSelection : public models::llama::LayerHook {
 public:
  TokenSelection(const TokenSelectionOptions& options, SelectionInput input,
                 models::llama::LayerHook* next);

  torch::Tensor key_mask(int64_t layer) override;
  void see_query_key(int64_t layer, const torch::Tensor& query, const torch::Tensor& key) override;
  torch::Tensor head_scale(int64_t layer) override;
  torch::Tensor wanted_rows(int64_t layer) override;
  void take_rows(int64_t layer, const torch::Tensor& weights) override;
  torch::Tensor kept_positions(int64_t layer) override;

  void report(PassStatistics& statistics) const;  // of the pass that has been

  const torch::Tensor& kept() const { return kept_; }      // int64 [B, k], as select_tokens
  const torch::Tensor& scores() const { return scores_; }  // [B, E]

 private:
  torch::Tensor keep_flags() const;  // bool [B, T]

  const TokenSelectionOptions options_;
  const SelectionInput input_;
  models::llama::LayerHook* next_;
  const bool drops_;
  torch::Tensor kept_, scores_;
  int64_t num_own_rows_ = 0;
};

}  // namespace reasonbrain::reason
