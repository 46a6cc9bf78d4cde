// The layouts in which LLaMA's weights are found.
#pragma once

#include "models/key_map.h"
#include "models/llama/config.h"

namespace reasonbrain::models::llama {

// The names of Meta's consolidated.00.pth (wq, wk, ...), with heads whose
// rotating pairs stand side by side. It has no biases.
KeyTable original_key_table(const LlamaConfig& config);

// The table for a file with these keys: transformers' LlamaForCausalLM, or
// Meta's.
KeyTable key_table(const LlamaConfig& config, const std::vector<std::string>& file_keys);

}  // namespace reasonbrain::models::llama
