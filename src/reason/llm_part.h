// The language model as model.parts.llm.path names it.
#pragma once

#include <string>

#include "models/llama/llama.h"
#include "nn/state_dict.h"

namespace reasonbrain::reason {

struct LlmPart {
  models::llama::Llama llm = nullptr;
  nn::StateDict projector;  // "linear_1.weight", ..; empty unless the folder is one of LLaVA
};

// A folder of LLaMA, or of LLaVA in any of its layouts: its language half, and the projector that
// IA may start from. Error(kData) for what does not fit its configuration.
LlmPart load_llm_part(const std::string& path, const nn::Build& build);

}  // namespace reasonbrain::reason
