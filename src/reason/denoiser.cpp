#include "reason/denoiser.h"

#include <cmath>

namespace reasonbrain::reason {

Condition Denoiser::condition(const Guidance& guidance, const torch::Tensor& source) {
  const torch::Tensor ones = at::ones({source.size(0)}, source.options().dtype(torch::kFloat32));
  return {.context = guidance.context,
          .residual_visual = guidance.residual_visual,
          .residual_text = guidance.residual_text,
          .source = source,
          .keep_text = ones,
          .keep_image = ones.clone(),
          .pooled_prompt_embeds = guidance.pooled_prompt_embeds,
          .prompt_embeds = guidance.prompt_embeds,
          .open_gate = {}};
}

torch::Tensor per_sample(const torch::Tensor& keep, const torch::Tensor& like) {
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = keep.size(0);
  return keep.to(like.scalar_type()).view(shape);
}

torch::Tensor token_grid(const torch::Tensor& tokens, int64_t height, int64_t width) {
  const auto side =
      static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(tokens.size(1)))));
  const torch::Tensor grid =
      tokens.transpose(1, 2).reshape({tokens.size(0), tokens.size(2), side, side});
  if (side == height && side == width) return grid;
  return at::upsample_bilinear2d(grid, {height, width}, /*align_corners=*/false);
}

}  // namespace reasonbrain::reason
