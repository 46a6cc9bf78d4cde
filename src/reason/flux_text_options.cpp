#include "reason/flux_text_options.h"

namespace reasonbrain::reason {

void FluxTextOptions::describe(OptionVisitor& v) {
  v.choice("pooled_prompt_embeds", pooled_prompt_embeds, {"context", "clip"},
           {.help = "FLUX's pooled vector: the context's mean, projected, or the CLIP tower's "
                    "pooled text, projected only where its width differs"});
  v.field("prompt_embeds", prompt_embeds,
          {.help = "Put T5's states of the instruction (model.parts.text_2) before the context; "
                   "off: the context takes their place"});
  v.field("max_sequence_length", max_sequence_length,
          {.help = "T5 tokens of an instruction: shorter ones are filled up, longer ones cut off",
           .unit = "tokens",
           .min = 1,
           .max = 512});
}

}  // namespace reasonbrain::reason
