// A lookup table.
#pragma once

#include "nn/module.h"

namespace reasonbrain::nn {

class EmbeddingImpl : public Module {
 public:
  EmbeddingImpl(int64_t rows, int64_t width, const Build& build);
  torch::Tensor forward(const torch::Tensor& ids);  // int64 [...] -> [..., width]

  torch::Tensor weight;  // [rows, width]
};
TORCH_MODULE(Embedding);

}  // namespace reasonbrain::nn
