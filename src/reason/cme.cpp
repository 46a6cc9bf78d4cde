#include "reason/cme.h"

namespace reasonbrain::reason {

EnhancerImpl::EnhancerImpl(const ReasonOptions& options, bool has_cues, const nn::Build& build)
    : mode_(options.cme.mode), has_cues_(has_cues && options.cme.mode != CmeMode::kSimpleCa) {
  const int64_t d = options.width;
  const auto cross = [&](const char* name) {
    return register_module(name, CrossAttention(d, options.num_heads, build));
  };
  if (mode_ != CmeMode::kSimpleCa) {
    queries_ = parameter("queries", {options.num_queries, d}, build.tensor, build.embedding);
    query_from_reasoning_ = cross("query_from_reasoning");
    if (mode_ == CmeMode::kFull) query_from_features_ = cross("query_from_features");
    reasoning_norm_ = register_module("reasoning_norm", nn::LayerNorm(d, 1e-5, build));
  }
  if (has_cues_) {
    features_from_cues_ = cross("features_from_cues");
    enhanced_from_cues_ = cross("enhanced_from_cues");
  }
  features_from_reasoning_ = cross("features_from_reasoning");
  features_proj_ = register_module("features_proj", nn::Linear(d, d, /*bias=*/true, build));
  features_norm_ = register_module("features_norm", nn::LayerNorm(d, 1e-5, build));
}

Enhanced EnhancerImpl::forward(const torch::Tensor& reasoning, const torch::Tensor& features,
                               const torch::Tensor& features_keep, const torch::Tensor& cues,
                               const torch::Tensor& cues_keep) {
  Enhanced out;
  const torch::Tensor f2 = has_cues_ ? features_from_cues_(features, cues, cues_keep) : features;
  torch::Tensor source = reasoning;
  if (mode_ != CmeMode::kSimpleCa) {
    const torch::Tensor queries = queries_.expand({reasoning.size(0), -1, -1});
    torch::Tensor f1 = query_from_reasoning_(queries, reasoning, torch::Tensor());
    if (mode_ == CmeMode::kFull) f1 = query_from_features_(f1, f2, features_keep);
    out.reasoning = reasoning_norm_(f1);
    source = out.reasoning;
  }
  torch::Tensor f4 = features_from_reasoning_(f2, source, torch::Tensor());
  if (has_cues_) f4 = enhanced_from_cues_(f4, cues, cues_keep);
  out.features = features_norm_(features_proj_(f4));
  return out;
}

}  // namespace reasonbrain::reason
