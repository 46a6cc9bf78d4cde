// Rotary frequencies of a LLaMA configuration (transformers' ROPE_INIT_FUNCTIONS).
#pragma once

#include <torch/types.h>

#include "models/llama/config.h"

namespace reasonbrain::models::llama {

struct Rotation {
  torch::Tensor inverse_frequency;  // float32 [head_width / 2]
  double scale = 1;                 // on cos and sin; yarn and longrope
};

// Whether the frequencies depend on the largest position, which then has to be known.
bool depends_on_length(const RopeScaling& rope);

// `length` is one more than the largest position.
Rotation rotation(const LlamaConfig& config, int64_t length, torch::Device device);

}  // namespace reasonbrain::models::llama
