// The language model as model.parts.llm.path names it: a folder of LLaMA, or of LLaVA in any of its
// layouts, of which it is the language half.
#pragma once

#include <filesystem>

#include "models/llama/llama.h"
#include "nn/state_dict.h"

namespace reasonbrain::reason {

struct LlmPart {
  models::llama::Llama model = nullptr;
  nn::StateDict projector;  // "linear_1.weight", ..; empty unless the folder is one of LLaVA
};

// With LLaVA's projector, that IA may start from. Error(kData) for what does not fit its
// configuration.
LlmPart load_llm_part(const std::filesystem::path& folder, const nn::Build& build);

// By config.json alone. Error(kData) as load_llm_part().
models::llama::LlamaConfig read_llm_config(const std::filesystem::path& folder);

}  // namespace reasonbrain::reason
