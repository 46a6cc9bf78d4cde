// Patterns of dotted tensor names, as the rules of a key map use them.
//
// A pattern is literal text with captures: {i} to {n} (one of these letters) match a number, {rest}
// matches any text, any other {name} matches text without a dot. A capture never matches nothing.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::models {

using Captures = std::map<std::string, std::string>;  // capture -> the text that it matched

class KeyPattern {
 public:
  explicit KeyPattern(std::string_view pattern);

  // True when all of `key` matches; fills `captures`.
  bool match(std::string_view key, Captures& captures) const;

  // The key with the captures filled in; every capture of the pattern must be there.
  std::string fill(const Captures& captures) const;

  std::vector<std::string> names() const;  // of the captures, sorted

 private:
  enum class Kind { kLiteral, kNumber, kPart, kRest };
  struct Token {
    Kind kind;
    std::string text;  // the literal, or the capture's name
  };
  bool match_from(size_t token, std::string_view key, Captures& captures) const;

  std::vector<Token> tokens_;
};

}  // namespace reasonbrain::models
