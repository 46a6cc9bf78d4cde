#include "diffusion/guidance.h"

namespace reasonbrain::diffusion {

std::vector<GuidancePass> guidance_passes(double text_scale, double image_scale) {
  std::vector<GuidancePass> passes;
  for (const GuidancePass& pass : {GuidancePass{PassKind::kNone, 1 - image_scale},
                                   GuidancePass{PassKind::kImage, image_scale - text_scale},
                                   GuidancePass{PassKind::kFull, text_scale}}) {
    if (pass.weight != 0) passes.push_back(pass);
  }
  return passes;
}

torch::Tensor combine_guidance(const torch::Tensor& outputs,
                               const std::vector<GuidancePass>& passes) {
  if (passes.size() == 1 && passes[0].weight == 1) return outputs;
  const auto parts = outputs.chunk(static_cast<int64_t>(passes.size()));
  torch::Tensor sum = parts[0] * passes[0].weight;
  for (size_t i = 1; i < passes.size(); ++i) sum = sum + parts[i] * passes[i].weight;
  return sum;
}

}  // namespace reasonbrain::diffusion
