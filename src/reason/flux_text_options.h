// What FLUX is told of the instruction's own words, beside the context of the reasoning half. Saved
// in reason/config.json.
#pragma once

#include <cstdint>

#include "reasonbrain/describe.h"

namespace reasonbrain::reason {

// Where the pooled vector comes from. kContext: the projected mean of the context. kClip: the CLIP
// tower's pooled text, which FLUX was trained with.
enum class PooledText { kContext, kClip };

// By the names of diffusers' FluxPipeline.
struct FluxTextOptions {
  PooledText pooled_prompt_embeds = PooledText::kContext;
  bool prompt_embeds = false;         // T5's states stand before the context, not only the context
  int64_t max_sequence_length = 512;  // T5 tokens
  void describe(OptionVisitor& v);
};

}  // namespace reasonbrain::reason
