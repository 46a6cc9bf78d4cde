// Cross-modal enhancer (paper section 4.2): refines the reasoning V-hat by the picture (or text)
// and the features of the picture (or text) by the reasoning. One instance per side, each with its
// own weights.
//
//   F1 = CA(Q, V-hat)   F2 = CA(E, R)   V-bar = norm(CA(F1, F2))
//   F4 = CA(F2, V-bar)  R-bar = norm(W CA(F4, R))
#pragma once

#include "reason/blocks.h"
#include "reason/options.h"

namespace reasonbrain::reason {

struct Enhanced {
  torch::Tensor
      reasoning;  // V-bar [B, q, d], or undefined in simple_ca (the context is V-hat itself)
  torch::Tensor features;  // R-bar [B, M, d], M tokens of E
};

class EnhancerImpl : public nn::Module {
 public:
  // has_cues: false where R cannot exist (both branches off) or must not arrive (frce.to_cme off).
  EnhancerImpl(const ReasonOptions& options, bool has_cues, const nn::Build& build);

  Enhanced forward(const torch::Tensor& reasoning,      // V-hat [B, q, d]
                   const torch::Tensor& features,       // E [B, M, d]
                   const torch::Tensor& features_keep,  // bool [B, M] or undefined
                   const torch::Tensor& cues,           // R [B, P, d]; unused without cues
                   const torch::Tensor& cues_keep);     // bool [B, P]

 private:
  CmeMode mode_;
  bool has_cues_;
  torch::Tensor queries_;  // Q [q, d]
  CrossAttention query_from_reasoning_ = nullptr, features_from_cues_ = nullptr,
                 query_from_features_ = nullptr, features_from_reasoning_ = nullptr,
                 enhanced_from_cues_ = nullptr;
  nn::LayerNorm reasoning_norm_ = nullptr, features_norm_ = nullptr;
  nn::Linear features_proj_ = nullptr;
};
TORCH_MODULE(Enhancer);

}  // namespace reasonbrain::reason
