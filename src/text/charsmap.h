// SentencePiece's precompiled normalisation: tokenizer.json carries it in base64, a model as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

class Charsmap {
 public:
  // Error(kData) beginning with `origin` when the map is damaged.
  Charsmap(std::string_view base64, const std::string& origin);

  // For readers that follow the map without checks: Error(kData) beginning with `origin` when a
  // text could lead them out of it, in a circle, or through more rules than the library holds at
  // once.
  static void check(const std::string& bytes, const std::string& origin);

  // As the tokenizers library applies it: each grapheme shorter than 6 bytes as a whole where the
  // map has a rule for its beginning, else each code point.
  std::string operator()(std::string_view text) const;

 private:
  Charsmap() = default;
  void parse(const std::string& bytes, const std::string& origin);

  // The replacement of the shortest beginning of `chunk` that has one; null when none has.
  const char* find(std::string_view chunk) const;

  std::vector<uint32_t> trie_;  // a double array
  std::string replacements_;    // each ends with NUL
};

}  // namespace reasonbrain::text
