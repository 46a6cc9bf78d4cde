// Rotary position embeddings, half-split pairing (transformers LlamaRotaryEmbedding, rotate_half).
#pragma once

#include <torch/types.h>

#include <utility>

namespace reasonbrain::nn {

// cos and sin tables [B, T, D] in float32.
std::pair<torch::Tensor, torch::Tensor> rope_tables(
    const torch::Tensor& position_ids,        // int64 [B, T]
    const torch::Tensor& inverse_frequency);  // [D / 2]

torch::Tensor rope_inverse_frequency(int64_t head_dim, double theta,
                                     const torch::TensorOptions& options);

torch::Tensor apply_rope(const torch::Tensor& x,    // [B, H, T, D]
                         const torch::Tensor& cos,  // [B, T, D]
                         const torch::Tensor& sin);

}  // namespace reasonbrain::nn
