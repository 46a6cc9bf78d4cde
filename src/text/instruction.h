// What every model expects of an instruction.
#pragma once

#include <string>

namespace reasonbrain::text {

// Error(kUsage) for an instruction without words, or that is not UTF-8 or holds a NUL.
void check_instruction(const std::string& instruction);

}  // namespace reasonbrain::text
