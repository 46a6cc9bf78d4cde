#include "text/instruction.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::text {

void check_instruction(const std::string& instruction) {
  if (!is_valid_utf8(instruction)) throw usage_error("the instruction is not valid UTF-8 text");
  if (instruction.find('\0') != std::string::npos)
    throw usage_error("the instruction is not text: it has a NUL byte");
  if (trim(instruction).empty())
    throw usage_error("the instruction is empty; say what happens, in words");
}

}  // namespace reasonbrain::text
