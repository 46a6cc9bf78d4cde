// A lookup table.
#pragma once

#include "nn/module.h"

namespace reasonbrain::nn {

class EmbeddingImpl : public Module {
 public:
  // padding_row: one that never learns from a look-up; -1: none.
  EmbeddingImpl(int64_t rows, int64_t width, const Build& build, int64_t padding_row = -1);
  torch::Tensor forward(const torch::Tensor& ids);  // int64 [...] -> [..., width]

  torch::Tensor weight;  // [rows, width]

 private:
  int64_t padding_row_;
};
TORCH_MODULE(Embedding);

}  // namespace reasonbrain::nn
