// Rotary frequencies of a LLaMA configuration (transformers' ROPE_INIT_FUNCTIONS).
#pragma once

#include <torch/types.h>

#include "models/llama/config.h"

namespace reasonbrain::models::llama {

// [head_width / 2] in float32. `length` is one more than the largest position; only rope_type
// dynamic, which stretches beyond max_position_embeddings, looks at it.
torch::Tensor inverse_frequency(const LlamaConfig& config, int64_t length, torch::Device device);

}  // namespace reasonbrain::models::llama
