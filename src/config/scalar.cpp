#include "config/scalar.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/option_text.h"

namespace reasonbrain::config {
namespace {

template <class T>
std::optional<T> parse_all(const std::string& text) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  T value{};
  const auto result = std::from_chars(begin, end, value);
  if (begin == end || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

// Text that needs no quotes: it starts with a letter or a dot or slash and has no character of
// YAML's syntax.
bool is_plain(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "nan", "inf"}) {
    if (lower == word) return false;
  }
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
  };
  for (unsigned char c : text) {
    if (!plain(c)) return false;
  }
  return !text.empty() &&
         (std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '/');
}

}  // namespace

std::optional<bool> parse_bool(const std::string& text) {
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  return std::nullopt;
}

std::optional<double> parse_number(const std::string& text) {
  if (text == ".nan" || text == ".NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == ".inf" || text == "-.inf") return std::numeric_limits<double>::infinity();
  return parse_all<double>(text);
}

std::optional<int64_t> parse_integer(const std::string& text) {
  if (const auto value = parse_all<int64_t>(text)) return value;
  constexpr double kExact = 9007199254740992.0;  // 2^53: every integer below is a double
  const auto value = parse_all<double>(text);
  if (!value || !(std::abs(*value) <= kExact) || *value != std::floor(*value)) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::string to_yaml(bool value) {
  return value ? "true" : "false";
}

std::string to_yaml(int64_t value) {
  return std::to_string(value);
}

std::string to_yaml(double value) {
  return format_number(value);
}

std::string to_yaml(const std::string& value) {
  if (is_plain(value)) return value;
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text = "\"";
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      text += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
    } else {
      text += c;
    }
  }
  return text + "\"";
}

}  // namespace reasonbrain::config
