// IA: CLIP patches -> LLM tokens. LLaVA's mm_projector (linear or mlp2x_gelu), optionally after
// pooling.
#pragma once

#include "nn/linear.h"
#include "reason/options.h"

namespace reasonbrain::reason {

class ImageAdapterImpl : public nn::Module {
 public:
  ImageAdapterImpl(const ImageAdapterOptions& options, int64_t vision_width, int64_t llm_width,
                   const nn::Build& build);
  torch::Tensor forward(const torch::Tensor& patches);  // [B, N, d_v] -> [B, N / pool^2, D]

 private:
  int64_t pool_;
  nn::Linear linear_1_ = nullptr, linear_2_ = nullptr;
};
TORCH_MODULE(ImageAdapter);

}  // namespace reasonbrain::reason
