// The words around the vision tokens and the instruction in the language model's input.
#pragma once

#include <string>

#include "reasonbrain/describe.h"

namespace reasonbrain::text {

// [prefix | vision | cues | after_vision + instruction | suffix | guidance tokens]
struct Prompt {
  std::string prefix;        // in front of the vision tokens; BOS comes before it
  std::string after_vision;  // in front of the instruction
  std::string suffix;        // behind the instruction

  std::string instruction_text(const std::string& instruction) const {
    return after_vision + instruction + suffix;
  }

  void describe(OptionVisitor& visitor) {
    visitor.field("prefix", prefix, {.help = "text in front of the vision tokens"});
    visitor.field("after_vision", after_vision, {.help = "text in front of the instruction"});
    visitor.field("suffix", suffix, {.help = "text behind the instruction"});
  }
};

}  // namespace reasonbrain::text
