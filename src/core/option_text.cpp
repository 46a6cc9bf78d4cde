#include "core/option_text.h"

#include <charconv>
#include <cmath>

#include "core/str.h"

namespace reasonbrain {

std::string format_number(double value) {
  char buffer[40];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, result.ptr);
}

std::string range_text(const OptionInfo& info) {
  const bool has_min = std::isfinite(info.min), has_max = std::isfinite(info.max);
  if (has_min && has_max) {
    return str("[", format_number(info.min), ", ", format_number(info.max), "]");
  }
  if (has_min) return ">= " + format_number(info.min);
  if (has_max) return "<= " + format_number(info.max);
  return "";
}

std::string number_problem(double value, bool integer, const OptionInfo& info) {
  if (std::isfinite(value) && value >= info.min && value <= info.max) return "";
  std::string text = integer ? "expected an integer" : "expected a finite number";
  const std::string range = range_text(info);
  if (!range.empty()) text += (range.front() == '[' ? " in " : " ") + range;
  if (!info.unit.empty()) text += " " + info.unit;
  return text;
}

int choice_position(const std::string& name, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace reasonbrain
