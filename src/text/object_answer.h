// Objects of an instruction as a language model names them, checked against the instruction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

// The question, with examples, that ends where the answer's list begins.
std::string object_question(std::string_view instruction);

// The phrases of the answer (the rest of a JSON list of strings; what follows it is passed over)
// that stand in the instruction, in lower case, without duplicates. A model that invents things, or
// answers something else, leaves none.
std::vector<std::string> checked_objects(std::string_view answer, std::string_view instruction,
                                         int max_objects);

}  // namespace reasonbrain::text
