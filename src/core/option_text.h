// What the YAML and the JSON side of describe() share: ranges, numbers and choices as text.
#pragma once

#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain {

// The shortest text that reads back as the same number: "0.1", "1e-05", "3".
std::string format_number(double value);

// "[1, 100]", ">= 0", "<= 1", or "" when unlimited.
std::string range_text(const OptionInfo& info);

// "" when the value may stand, else what was expected, such as "expected a finite number in [0,
// 1]".
std::string number_problem(double value, bool integer, const OptionInfo& info);

// The index of `name`, or -1.
int choice_position(const std::string& name, const std::vector<std::string>& names);

}  // namespace reasonbrain
