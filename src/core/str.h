// Building messages: str("got ", n, " tokens, expected at most ", limit).
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain {

template <class... Args>
std::string str(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);
std::string trim(std::string_view text);
bool starts_with(std::string_view text, std::string_view prefix);
bool ends_with(std::string_view text, std::string_view suffix);

// True when the bytes are well-formed UTF-8 (no overlong forms, no surrogates).
bool is_valid_utf8(std::string_view text);

// The candidate with the smallest edit distance to `word`, or "" when none is near enough to be
// meant.
std::string nearest_match(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace reasonbrain
