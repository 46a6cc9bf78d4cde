// SentencePiece's precompiled normalisation, as tokenizer.json carries it (base64).
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

  // As the tokenizers library applies it: each grapheme shorter than 6 bytes as a whole where the
  // map has a rule for its beginning, else each code point.
  std::string operator()(std::string_view text) const;

 private:
  // The replacement of the shortest beginning of `chunk` that has one; null when none has.
  const char* find(std::string_view chunk) const;

  std::vector<uint32_t> trie_;  // a double array
  std::string replacements_;    // each ends with NUL
};

}  // namespace reasonbrain::text
