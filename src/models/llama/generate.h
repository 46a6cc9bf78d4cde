// Text that LLaMA goes on with.
#pragma once

#include <vector>

#include "models/llama/llama.h"

namespace reasonbrain::models::llama {

// The most likely token each time, until one of `stop` (not returned) or `max_tokens`. The prompt
// is read once; a cache serves the rest.
std::vector<int64_t> continue_greedily(LlamaImpl& llama,
                                       const torch::Tensor& inputs_embeds,  // [1, T, D]
                                       const std::vector<int64_t>& stop, int64_t max_tokens);

}  // namespace reasonbrain::models::llama
