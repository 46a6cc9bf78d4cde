#include "text/noun_phrases.h"

#include <algorithm>
#include <cctype>

#include "core/str.h"
#include "text/lexicon.h"

namespace reasonbrain::text {
namespace {

// Longer lists and phrases keep their ends, so that memory grows with the sentence only.
constexpr size_t kMaxSharedHeads = 8;
constexpr size_t kMaxNouns = 16;

bool is_punctuation(std::string_view word) {
  return word.size() == 1 && std::ispunct(static_cast<unsigned char>(word[0]));
}

bool ends_phrase(std::string_view word) {
  return is_punctuation(word) || is_function_word(word) || is_determiner(word);
}

bool is_adverb(std::string_view word) {
  return word.size() > 4 && ends_with(word, "ly") && word != "family" && word != "butterfly" &&
         word != "jelly" && word != "lily" && word != "belly" && word != "dragonfly";
}

class Chunker {
 public:
  explicit Chunker(const std::vector<std::string>& words) : words_(words) {}

  std::vector<NounPhrase> run() {
    while (position_ < words_.size()) {
      const size_t before = position_;
      read_phrase();
      position_ = std::max(position_, before + 1);
    }
    return std::move(phrases_);
  }

 private:
  std::string_view word(size_t index) const {
    return index < words_.size() ? std::string_view(words_[index]) : std::string_view();
  }

  // Without a determiner a verb-like word opens a phrase only where a subject must stand.
  bool can_open_bare(size_t index) const {
    const std::string_view w = word(index);
    if (ends_phrase(w) || is_adverb(w)) return false;
    const std::string_view next = word(index + 1);
    if (w == "left" || is_past_form(w)) {
      return ends_with(w, "ing") && index > 0 && words_[index - 1] == "if" && !ends_phrase(next);
    }
    if (!is_base_verb(w)) return true;
    const bool verb_follows = is_auxiliary(next) || is_past_form(next);
    return verb_follows && index > 0 && word(index - 1) != "to" && !is_pronoun(word(index - 1));
  }

  // The end of the modifiers and nouns from `index` on; fills `phrase`.
  size_t read_content(size_t index, NounPhrase& phrase) {
    for (; index < words_.size(); ++index) {
      const std::string_view w = words_[index];
      if (is_one(w) && phrase.nouns.empty() && !phrase.modifiers.empty() && !phrases_.empty()) {
        phrase.nouns.push_back(singular(phrases_.back().head()));
        return index + 1;
      }
      if (ends_phrase(w)) break;
      if (is_adverb(w)) {
        if (!phrase.nouns.empty()) break;
        continue;
      }
      if (!phrase.nouns.empty() && (is_past_form(w) || is_base_verb(w) || is_adjective(w))) break;
      const bool more = !word(index + 1).empty() && !ends_phrase(word(index + 1)) &&
                        !is_base_verb(word(index + 1));
      const bool noun_next = more && !(is_past_form(word(index + 1)) || is_adverb(word(index + 1)));
      if ((is_adjective(w) || is_past_form(w)) && (noun_next || is_distinguishing(w))) {
        if (!is_filler_adjective(w)) phrase.modifiers.emplace_back(w);
      } else if (is_past_form(w) && !phrase.modifiers.empty()) {
        break;
      } else {
        if (phrase.nouns.size() == kMaxNouns) phrase.nouns.erase(phrase.nouns.begin());
        phrase.nouns.emplace_back(w);
      }
    }
    return index;
  }

  static bool is_demonstrative(std::string_view w) {
    return w == "this" || w == "that" || w == "these" || w == "those";
  }
  static bool is_one(std::string_view w) { return w == "one" || w == "ones"; }

  void read_phrase() {
    NounPhrase phrase;
    phrase.begin = position_;
    bool has_determiner = false;
    size_t index = position_;
    while (is_determiner(word(index)) && !(has_determiner && is_one(word(index)))) {
      phrase.definite |= is_definite(word(index));
      has_determiner = true;
      ++index;
    }
    if (!has_determiner && !can_open_bare(index)) return;
    if (has_determiner && is_demonstrative(word(index - 1)) &&
        (is_past_form(word(index)) || is_base_verb(word(index)))) {
      return;  // "that stood there", "how would this look"
    }
    phrase.end = read_content(index, phrase);
    position_ = phrase.end;
    if (phrase.nouns.empty()) {
      remember_modifiers(phrase);
      return;
    }
    add_shared_heads(phrase);
    add(phrase);
  }

  // "the red" of "the red and blue blocks" waits for the noun behind "and" or a comma.
  void remember_modifiers(const NounPhrase& phrase) {
    if (phrase.modifiers.empty()) return;
    const std::string_view next = word(phrase.end);
    const bool coordinated = next == "and" || next == "or" || next == ",";
    if (!coordinated) return;
    if (waiting_.size() == kMaxSharedHeads) waiting_.erase(waiting_.begin());
    waiting_.push_back(phrase);
  }

  void add_shared_heads(NounPhrase& phrase) {
    const bool adjacent = !waiting_.empty() && waiting_.back().end + 2 >= phrase.begin;
    if (adjacent && !phrase.modifiers.empty()) {
      for (const NounPhrase& shared : waiting_) phrase.definite |= shared.definite;
      for (NounPhrase& shared : waiting_) {
        shared.nouns = phrase.nouns;
        shared.nouns.back() = singular(shared.head());
        shared.definite = phrase.definite;
        add(shared);
      }
      phrase.nouns.back() = singular(phrase.head());
    }
    waiting_.clear();
  }

  void add(const NounPhrase& phrase) {
    if (is_time_noun(phrase.head()) || is_vague_noun(phrase.head())) return;
    if (is_quantity(phrase.head()) && word(phrase.end) == "of") return;
    phrases_.push_back(phrase);
  }

  const std::vector<std::string>& words_;
  size_t position_ = 0;
  std::vector<NounPhrase> waiting_, phrases_;
};

}  // namespace

bool NounPhrase::is_distinguished() const {
  return std::any_of(modifiers.begin(), modifiers.end(),
                     [](const std::string& word) { return is_distinguishing(word); });
}

std::string NounPhrase::text(size_t max_words) const {
  std::vector<std::string> all = modifiers;
  all.insert(all.end(), nouns.begin(), nouns.end());
  if (all.size() > max_words)
    all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(max_words));
  return join(all, " ");
}

std::vector<std::string> sentence_words(std::string_view sentence) {
  std::vector<std::string> words;
  bool in_word = false;
  for (size_t i = 0; i < sentence.size(); ++i) {
    const auto c = static_cast<unsigned char>(sentence[i]);
    const bool inner_mark = (c == '\'' || c == '-') && in_word && i + 1 < sentence.size() &&
                            std::isalnum(static_cast<unsigned char>(sentence[i + 1]));
    const bool possessive =
        c == '\'' && in_word && i + 1 < sentence.size() && sentence[i + 1] == 's' &&
        (i + 2 == sentence.size() || !std::isalnum(static_cast<unsigned char>(sentence[i + 2])));
    if (possessive) {
      words.emplace_back("'s");
      in_word = false;
      ++i;
    } else if (std::isalnum(c) || c >= 0x80 || inner_mark) {
      if (!in_word) words.emplace_back();
      words.back().push_back(static_cast<char>(std::tolower(c)));
      in_word = true;
    } else {
      in_word = false;
      if (std::ispunct(c)) words.emplace_back(1, static_cast<char>(c));
    }
  }
  return words;
}

std::vector<NounPhrase> noun_phrases(const std::vector<std::string>& words) {
  return Chunker(words).run();
}

}  // namespace reasonbrain::text
