// Guidance by text and by the source picture (Brooks et al. 2023): u + s_T (c - i) + s_I (i - u),
// with u the denoiser's answer without conditions, i with the picture only, c with both.
#pragma once

#include <torch/types.h>

#include <vector>

namespace reasonbrain::diffusion {

enum class PassKind { kNone, kImage, kFull };

struct GuidancePass {
  PassKind kind;
  double weight;  // of its answer in the sum
};

// The passes whose answers count, in the order of PassKind: u, i, c with weights 1 - s_I, s_I -
// s_T, s_T. At s_T = s_I = 1 only the full condition is left. Never empty.
std::vector<GuidancePass> guidance_passes(double text_scale, double image_scale);

// The guided answer from one batch that holds the passes one after the other.
torch::Tensor combine_guidance(const torch::Tensor& outputs,  // [passes * B, ..] -> [B, ..]
                               const std::vector<GuidancePass>& passes);

}  // namespace reasonbrain::diffusion
