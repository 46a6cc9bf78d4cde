#include "text/objects.h"

#include <algorithm>

#include "text/lexicon.h"
#include "text/noun_phrases.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

struct Candidate {
  NounPhrase phrase;
  int rank = 0;  // lower goes first; equals keep their order
};

constexpr int kAsked = 0;          // "How would X look", "What would happen to X"
constexpr int kReceives = 1;       // "lent to the red block": the one that something is done to
constexpr int kDistinguished = 2;  // "the blue block", "the left tile"
constexpr int kMentioned = 3;
constexpr int kSubordinate =
    4;  // "dog" of "the dog's bowl", "roof" of "the roof of the car", a button

bool is_asked(const std::vector<std::string>& words, const NounPhrase& phrase) {
  const size_t begin = phrase.begin;
  if (begin == 2 && (words[0] == "how" || words[0] == "what") && is_auxiliary(words[1]))
    return true;
  return begin >= 2 && words[begin - 1] == "to" &&
         (words[begin - 2] == "happen" || words[begin - 2] == "happened");
}

bool receives(const std::vector<std::string>& words, size_t first_giving,
              const NounPhrase& phrase) {
  return phrase.begin > 0 && words[phrase.begin - 1] == "to" && first_giving < phrase.begin;
}

bool is_part_of_next(const std::vector<std::string>& words, const NounPhrase& phrase) {
  return phrase.end + 1 < words.size() && words[phrase.end] == "of" &&
         is_definite(words[phrase.end + 1]);
}

int rank_of(const std::vector<std::string>& words, size_t first_giving, const NounPhrase& phrase) {
  if (phrase.end < words.size() && words[phrase.end] == "'s") return kSubordinate;
  if (is_asked(words, phrase)) return kAsked;
  if (phrase.definite && phrase.is_distinguished()) {
    return receives(words, first_giving, phrase) ? kReceives : kDistinguished;
  }
  const bool stands_for_more = is_quantity(phrase.head()) || is_control(phrase.head());
  return stands_for_more || is_part_of_next(words, phrase) ? kSubordinate : kMentioned;
}

// "the house with the green roof" is one object, told from others by its roof.
bool is_told_by(const std::vector<std::string>& words, const NounPhrase& whole,
                const NounPhrase& part) {
  return whole.end + 1 == part.begin && words[whole.end] == "with" && part.definite &&
         part.is_distinguished() && !whole.is_distinguished();
}

std::vector<Candidate> candidates(const std::vector<std::string>& words) {
  std::vector<Candidate> found;
  const auto giving = std::find_if(words.begin(), words.end(),
                                   [](const std::string& word) { return is_giving_verb(word); });
  const auto first_giving = static_cast<size_t>(giving - words.begin());
  for (const NounPhrase& phrase : noun_phrases(words)) {
    if (!found.empty() && is_told_by(words, found.back().phrase, phrase)) {
      Candidate& whole = found.back();
      whole.phrase.modifiers = phrase.modifiers;
      whole.phrase.nouns.insert(whole.phrase.nouns.begin(), phrase.nouns.begin(),
                                phrase.nouns.end());
      whole.rank = std::min(whole.rank, kDistinguished);
      continue;
    }
    found.push_back({phrase, rank_of(words, first_giving, phrase)});
  }
  return found;
}

// Typeset apostrophes as ', any other mark beyond ASCII as ", spaces as one.
std::string with_plain_marks(std::string_view text) {
  std::string out;
  for (const char32_t c : decode_utf8(text)) {
    if (c < 0x80 || (is_word(c) && !is_apostrophe(c))) {
      append_utf8(c, out);
    } else {
      out += is_apostrophe(c) ? '\'' : is_white_space(c) ? ' ' : '"';
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> extract_objects(std::string_view instruction, int max_objects) {
  std::vector<Candidate> found = candidates(sentence_words(with_plain_marks(instruction)));
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; });
  std::vector<std::string> objects;
  for (const Candidate& candidate : found) {
    if (static_cast<int>(objects.size()) >= max_objects) break;
    std::string text = candidate.phrase.text(kMaxObjectWords);
    if (std::find(objects.begin(), objects.end(), text) == objects.end()) {
      objects.push_back(std::move(text));
    }
  }
  return objects;
}

}  // namespace reasonbrain::text
