#include "text/clip_words.h"

#include "text/bpe.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

constexpr std::u32string_view kContractions[] = {U"'s", U"'t",  U"'re", U"'ve",
                                                 U"'m", U"'ll", U"'d"};
// Whole in CLIP's own pattern, cut again by the byte-level step behind it.
constexpr std::u32string_view kMarkers[] = {U"<|startoftext|>", U"<|endoftext|>"};

bool is_symbol(char32_t c) {
  return !is_letter(c) && !is_number(c) && !is_white_space(c);
}

template <class Predicate>
size_t run_end(std::u32string_view text, size_t start, Predicate inside) {
  while (start < text.size() && inside(text[start])) ++start;
  return start;
}

// 0 when no marker stands here.
size_t marker_length(std::u32string_view rest) {
  for (std::u32string_view marker : kMarkers) {
    if (rest.substr(0, marker.size()) == marker) return marker.size();
  }
  return 0;
}

size_t word_end(std::u32string_view text, size_t start) {
  for (std::u32string_view contraction : kContractions) {
    if (text.substr(start, contraction.size()) == contraction) return start + contraction.size();
  }
  if (is_letter(text[start])) return run_end(text, start, is_letter);
  if (is_number(text[start])) return start + 1;
  return run_end(text, start, is_symbol);
}

}  // namespace

std::string clip_normalize(std::string_view text) {
  std::u32string collapsed;
  for (char32_t c : normalize_nfc(decode_utf8(text))) {
    const bool space = is_white_space(c);
    if (space && !collapsed.empty() && collapsed.back() == U' ') continue;
    collapsed.push_back(space ? U' ' : c);
  }
  return encode_utf8(lower_case(collapsed));
}

std::vector<std::string> clip_words(std::string_view normalized) {
  const std::u32string text = decode_utf8(normalized);
  const std::u32string_view view = text;
  std::vector<std::string> words;
  for (size_t position = 0; position < text.size();) {
    if (is_white_space(text[position])) {
      ++position;
      continue;
    }
    const size_t marker = marker_length(view.substr(position));
    // A marker starts with symbols that would otherwise run on into what precedes its letters.
    const size_t end = marker > 0 ? position + 2 : word_end(view, position);
    words.push_back(encode_utf8(view.substr(position, end - position)));
    position = end;
    if (marker > 0) {
      const size_t letters_end = run_end(view, position, is_letter);
      words.push_back(encode_utf8(view.substr(position, letters_end - position)));
      words.push_back("|>");
      position = letters_end + 2;
    }
  }
  return words;
}

std::vector<std::string> clip_symbols(std::string_view word) {
  std::vector<std::string> symbols;
  for (char byte : word) symbols.push_back(byte_letters()[static_cast<uint8_t>(byte)]);
  if (!symbols.empty()) symbols.back() += "</w>";
  return symbols;
}

std::string clip_text(std::string_view spelt, std::string_view word_end) {
  std::string text;
  size_t done = 0;
  for (size_t at; (at = spelt.find(word_end, done)) != std::string_view::npos;) {
    text.append(spelt.substr(done, at - done)).push_back(' ');
    done = at + word_end.size();
  }
  text.append(spelt.substr(done));
  return std::string(strip_python(text));
}

}  // namespace reasonbrain::text
