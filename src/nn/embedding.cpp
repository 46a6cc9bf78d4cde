#include "nn/embedding.h"

namespace reasonbrain::nn {

EmbeddingImpl::EmbeddingImpl(int64_t rows, int64_t width, const Build& build) {
  weight = parameter("weight", {rows, width}, build.tensor, build.embedding);
}

torch::Tensor EmbeddingImpl::forward(const torch::Tensor& ids) {
  return at::embedding(weight, ids);
}

}  // namespace reasonbrain::nn
