#include "models/key_pattern.h"

#include <algorithm>

#include "core/str.h"

namespace reasonbrain::models {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

KeyPattern::KeyPattern(std::string_view pattern) {
  while (!pattern.empty()) {
    if (pattern[0] != '{') {
      const size_t end = std::min(pattern.find('{'), pattern.size());
      tokens_.push_back({Kind::kLiteral, std::string(pattern.substr(0, end))});
      pattern.remove_prefix(end);
      continue;
    }
    const size_t end = pattern.find('}');
    const std::string name(pattern.substr(1, end - 1));
    const bool number = name.size() == 1 && name[0] >= 'i' && name[0] <= 'n';
    tokens_.push_back({number ? Kind::kNumber : name == "rest" ? Kind::kRest : Kind::kPart, name});
    pattern.remove_prefix(end + 1);
  }
}

bool KeyPattern::match(std::string_view key, Captures& captures) const {
  captures.clear();
  return match_from(0, key, captures);
}

bool KeyPattern::match_from(size_t token, std::string_view key, Captures& captures) const {
  if (token == tokens_.size()) return key.empty();
  const auto& [kind, text] = tokens_[token];
  if (kind == Kind::kLiteral) {
    return starts_with(key, text) && match_from(token + 1, key.substr(text.size()), captures);
  }
  size_t longest = key.size();
  if (kind != Kind::kRest) {
    longest =
        static_cast<size_t>(std::find_if(key.begin(), key.end(),
                                         [kind = kind](char c) {
                                           return kind == Kind::kNumber ? !is_digit(c) : c == '.';
                                         }) -
                            key.begin());
  }
  for (size_t length = longest; length > 0; --length) {
    captures[text] = std::string(key.substr(0, length));
    if (match_from(token + 1, key.substr(length), captures)) return true;
    if (kind == Kind::kNumber) break;  // half a number is none
  }
  captures.erase(text);
  return false;
}

std::string KeyPattern::fill(const Captures& captures) const {
  std::string key;
  for (const auto& [kind, text] : tokens_) {
    key += kind == Kind::kLiteral ? text : captures.at(text);
  }
  return key;
}

std::vector<std::string> KeyPattern::names() const {
  std::vector<std::string> names;
  for (const auto& [kind, text] : tokens_) {
    if (kind != Kind::kLiteral) names.push_back(text);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace reasonbrain::models
