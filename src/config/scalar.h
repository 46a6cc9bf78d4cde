// Options as YAML scalars: parsing, and writing such that parsing gives the same value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reasonbrain::config {

std::optional<bool> parse_bool(const std::string& text);      // true, false
std::optional<double> parse_number(const std::string& text);  // also .inf, .nan: the caller refuses
std::optional<int64_t> parse_integer(const std::string& text);  // 12, -3, 1e6; not 1.5

std::string to_yaml(bool value);
std::string to_yaml(int64_t value);
std::string to_yaml(double value);
std::string to_yaml(const std::string& value);  // in quotes where YAML would read something else

template <class T>
std::string to_yaml(const std::vector<T>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) text += (i > 0 ? ", " : "") + to_yaml(values[i]);
  return text + "]";
}

}  // namespace reasonbrain::config
