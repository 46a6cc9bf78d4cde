#include "text/object_answer.h"

#include <algorithm>

#include "text/objects.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

// Lower case, single spaces between runs of letters, marks, numbers and hyphens, and at both ends.
std::string words_of(std::string_view text) {
  std::u32string out = U" ";
  for (char32_t c : lower_case(decode_utf8(text))) {
    if (is_apostrophe(c)) c = U'\'';
    const bool inside = is_word(c) || is_number(c) || c == U'-' || c == U'\'';
    if (inside) {
      out.push_back(c);
    } else if (out.back() != U' ') {
      out.push_back(U' ');
    }
  }
  if (out.back() != U' ') out.push_back(U' ');
  return encode_utf8(out);
}

// The strings of a list that may be broken off: ` "ice cube", "sun"] ...`.
std::vector<std::string> quoted(std::string_view answer) {
  std::vector<std::string> phrases;
  size_t at = 0;
  while (at < answer.size() && answer[at] != ']' && answer[at] != '\n') {
    if (answer[at++] != '"') continue;
    std::string phrase;
    while (at < answer.size() && answer[at] != '"' && answer[at] != '\n') {
      if (answer[at] == '\\' && at + 1 < answer.size()) ++at;
      phrase.push_back(answer[at++]);
    }
    if (at >= answer.size() || answer[at] != '"') break;  // broken off
    ++at;
    phrases.push_back(std::move(phrase));
  }
  return phrases;
}

size_t count_words(const std::string& words) {  // of words_of()
  return static_cast<size_t>(std::count(words.begin(), words.end(), ' ')) - 1;
}

}  // namespace

std::string object_question(std::string_view instruction) {
  std::string one_line(instruction);
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  return "List the objects that the sentence speaks of, the most important one first, in its own "
         "words.\n"
         "Sentence: What would happen if the ice cube was left in the sun?\n"
         "Objects: [\"ice cube\", \"sun\"]\n"
         "Sentence: Suppose someone pushed the first of the red dominoes.\n"
         "Objects: [\"red dominoes\"]\n"
         "Sentence: " +
         one_line + "\nObjects: [";
}

std::vector<std::string> checked_objects(std::string_view answer, std::string_view instruction,
                                         int max_objects) {
  const std::string sentence = words_of(replace_invalid_utf8(instruction));
  std::vector<std::string> objects;
  for (const std::string& phrase : quoted(answer)) {
    if (static_cast<int>(objects.size()) >= max_objects) break;
    const std::string words = words_of(replace_invalid_utf8(phrase));
    if (words.size() < 3 || count_words(words) > kMaxObjectWords) continue;
    if (sentence.find(words) == std::string::npos) continue;  // not in the instruction: invented
    const std::string object = words.substr(1, words.size() - 2);
    if (std::find(objects.begin(), objects.end(), object) == objects.end()) {
      objects.push_back(object);
    }
  }
  return objects;
}

}  // namespace reasonbrain::text
