#include "miniworld/text.h"

namespace reasonbrain::miniworld {
namespace {

const std::vector<std::string> kOpeners = {
    "What would happen if {clause}?",
    "What if {clause}?",
    "How would this look if {clause}?",
    "What would you see if {clause}?",
    "How would it end if {clause}?",
    "Imagine what would follow if {clause}.",
    "Show this scene as it would look if {clause}.",
    "Suppose that {clause} and show what would happen.",
};

const std::vector<std::string> kHeldOutOpeners = {
    "Imagine that {clause}.",
    "Suppose {clause}.",
    "How would this scene end if {clause}?",
    "Show what you would see if {clause}.",
};

}  // namespace

const std::vector<std::string>& openers(bool held_out) {
  return held_out ? kHeldOutOpeners : kOpeners;
}

std::string fill(std::string text, const Slots& slots) {
  for (const auto& [name, words] : slots) {
    const std::string mark = "{" + name + "}";
    for (size_t at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + words.size()))
      text.replace(at, mark.size(), words);
  }
  return text;
}

std::string tell(Rng& rng, const Event& event, const Slots& slots, bool held_out) {
  const auto& frames = openers(held_out);
  const std::string& opener = frames[rng.below(frames.size())];
  const uint64_t pick = rng.next_u32();
  const std::string& clause =
      held_out ? event.held_out_clause : event.clauses[pick % event.clauses.size()];
  return fill(opener, {{"clause", fill(clause, slots)}});
}

std::string list_words(const std::vector<std::string>& parts) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) text += (i ? " and " : "") + parts[i];
  return text;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (char c : text) {
    if (c == ' ' || c == '?' || c == '.')
      flush();
    else
      word += c;
    if (c == '?' || c == '.') words.push_back(std::string(1, c));
  }
  flush();
  return words;
}

}  // namespace reasonbrain::miniworld
