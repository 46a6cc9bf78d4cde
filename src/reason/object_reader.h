// Objects of an instruction, asked of the loaded language model.
#pragma once

#include <string>
#include <vector>

#include "models/llama/llama.h"
#include "text/tokenizer.h"

namespace reasonbrain::reason {

// One question, answered greedily; phrases that the instruction does not hold are dropped, and when
// none is left the rules decide (text/objects.h).
std::vector<std::string> read_objects(models::llama::LlamaImpl& llm,
                                      const text::Tokenizer& tokenizer,
                                      const std::string& instruction, int max_objects);

}  // namespace reasonbrain::reason
