// Unicode through ICU, whose tables are those of Unicode 15, and unicode_newer.h.
#pragma once

#include <string>
#include <string_view>

namespace reasonbrain::text {

// Every ill-formed sequence becomes one U+FFFD per maximal subpart, as WHATWG and Python do.
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);
void append_utf8(char32_t code_point, std::string& text);
std::string replace_invalid_utf8(std::string_view text);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
std::u32string normalize(std::u32string_view text, NormalForm form);
inline std::u32string normalize_nfc(std::u32string_view text) {
  return normalize(text, NormalForm::kNfc);
}

// One code point at a time, hence without context: a final sigma stays U+03C3. May grow (U+0130).
std::u32string lower_case(std::u32string_view text);

bool is_letter(char32_t code_point);       // general category L
bool is_number(char32_t code_point);       // general category N
bool is_white_space(char32_t code_point);  // property White_Space
bool is_apostrophe(char32_t code_point);   // ' and what typesetting puts in its place
bool is_word(char32_t code_point);         // letters, marks, digits and joiners: \w of UTS #18

// Well-formed UTF-8 without the white space at its start or end.
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
std::string_view strip_python(std::string_view text);  // at both, as Python's str.strip() does

}  // namespace reasonbrain::text
