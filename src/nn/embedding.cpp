#include "nn/embedding.h"

namespace reasonbrain::nn {

EmbeddingImpl::EmbeddingImpl(int64_t rows, int64_t width, const Build& build, int64_t padding_row)
    : padding_row_(padding_row) {
  weight = parameter("weight", {rows, width}, build.tensor, build.embedding);
}

torch::Tensor EmbeddingImpl::forward(const torch::Tensor& ids) {
  return at::embedding(weight, ids, padding_row_);
}

}  // namespace reasonbrain::nn
