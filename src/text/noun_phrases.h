// Noun phrases of an English sentence by rules: a determiner, modifiers and nouns up to the verb.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

struct NounPhrase {
  size_t begin = 0, end = 0;           // words of the sentence, determiner included
  std::vector<std::string> modifiers;  // adjectives in front of the nouns
  std::vector<std::string> nouns;      // the last one is the head
  bool definite = false;

  const std::string& head() const { return nouns.back(); }
  bool is_distinguished() const;  // a colour, a place or an order says which one is meant
  std::string text(size_t max_words) const;  // the last words up to that number
};

// Lower-case words and single punctuation marks; a possessive "'s" stands alone.
std::vector<std::string> sentence_words(std::string_view sentence);

// In order of appearance. "the red and blue blocks" gives "red block" and "blue block"; "the blue
// one" takes the head of the phrase before it. Times ("ten minutes") and vague nouns ("the other
// side") are left out.
std::vector<NounPhrase> noun_phrases(const std::vector<std::string>& words);

}  // namespace reasonbrain::text
