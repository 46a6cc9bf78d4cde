#include "text/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/unicode_newer.h"

namespace reasonbrain::text {
namespace {

void check(UErrorCode status, const char* what) {
  if (U_FAILURE(status)) throw runtime_error(str("ICU: ", what, " failed: ", u_errorName(status)));
}

std::u16string to_utf16(std::u32string_view text) {
  std::u16string out;
  out.reserve(text.size());
  for (char32_t c : text) {
    if (c > 0xFFFF) {
      out.push_back(static_cast<char16_t>(U16_LEAD(c)));
      out.push_back(static_cast<char16_t>(U16_TRAIL(c)));
    } else {
      out.push_back(static_cast<char16_t>(c));
    }
  }
  return out;
}

std::u32string from_utf16(std::u16string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    UChar32 c;
    U16_NEXT(text.data(), i, text.size(), c);
    out.push_back(static_cast<char32_t>(c));
  }
  return out;
}

std::string_view without_start(std::string_view text, bool (*drop)(char32_t)) {
  size_t start = 0;
  for (size_t next = 0; next < text.size(); start = next) {
    UChar32 c;
    U8_NEXT_OR_FFFD(reinterpret_cast<const uint8_t*>(text.data()), next, text.size(), c);
    if (!drop(static_cast<char32_t>(c))) break;
  }
  return text.substr(start);
}

std::string_view without_end(std::string_view text, bool (*drop)(char32_t)) {
  auto end = static_cast<int32_t>(text.size());
  for (int32_t previous = end; previous > 0; end = previous) {
    UChar32 c;
    U8_PREV_OR_FFFD(reinterpret_cast<const uint8_t*>(text.data()), 0, previous, c);
    if (!drop(static_cast<char32_t>(c))) break;
  }
  return text.substr(0, static_cast<size_t>(end));
}

// What Python's str.strip() takes away.
bool is_python_space(char32_t code_point) {
  return is_white_space(code_point) || (code_point >= 0x1C && code_point <= 0x1F);
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t i = 0; i < text.size();) {
    UChar32 c;
    U8_NEXT_OR_FFFD(bytes, i, text.size(), c);
    out.push_back(static_cast<char32_t>(c));
  }
  return out;
}

void append_utf8(char32_t code_point, std::string& text) {
  uint8_t bytes[U8_MAX_LENGTH];
  size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, code_point);
  text.append(reinterpret_cast<const char*>(bytes), length);
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char32_t c : text) append_utf8(c, out);
  return out;
}

std::string replace_invalid_utf8(std::string_view text) {
  return is_valid_utf8(text) ? std::string(text) : encode_utf8(decode_utf8(text));
}

std::u32string normalize(std::u32string_view text, NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* normalizer = form == NormalForm::kNfc    ? unorm2_getNFCInstance(&status)
                                   : form == NormalForm::kNfd  ? unorm2_getNFDInstance(&status)
                                   : form == NormalForm::kNfkc ? unorm2_getNFKCInstance(&status)
                                                               : unorm2_getNFKDInstance(&status);
  check(status, "normalisation");
  const std::u16string input = to_utf16(text);
  const auto input_length = static_cast<int32_t>(input.size());
  std::u16string output(input.size() * 3 + 1, u'\0');  // the greatest growth of NFC in UTF-16
  const auto run = [&] {
    status = U_ZERO_ERROR;
    return unorm2_normalize(normalizer, input.data(), input_length, output.data(),
                            static_cast<int32_t>(output.size()), &status);
  };
  int32_t length = run();
  if (status == U_BUFFER_OVERFLOW_ERROR) {  // the compatibility forms grow more
    output.resize(static_cast<size_t>(length) + 1);
    length = run();
  }
  check(status, "normalisation");
  return from_utf16(std::u16string_view(output).substr(0, static_cast<size_t>(length)));
}

std::u32string lower_case(std::u32string_view text) {
  constexpr char32_t kCapitalIWithDot = 0x130;  // the only one whose lower case has two code points
  std::u32string out;
  out.reserve(text.size());
  for (char32_t c : text) {
    if (const NewerLowerCase* newer = find_range(kNewerLowerCase, c)) {
      out.push_back(newer->lower + (c - newer->first));
      continue;
    }
    out.push_back(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
    if (c == kCapitalIWithDot) out.push_back(0x307);
  }
  return out;
}

bool is_letter(char32_t code_point) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & U_GC_L_MASK) != 0 ||
         find_range(kNewerLetters, code_point) != nullptr;
}

bool is_number(char32_t code_point) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & U_GC_N_MASK) != 0 ||
         find_range(kNewerNumbers, code_point) != nullptr;
}

bool is_white_space(char32_t code_point) {
  return u_hasBinaryProperty(static_cast<UChar32>(code_point), UCHAR_WHITE_SPACE) != 0;
}

bool is_apostrophe(char32_t code_point) {
  return code_point == U'\'' || code_point == U'\u2018' || code_point == U'\u2019' ||
         code_point == U'\u02BC';
}

bool is_word(char32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  return (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
         u_hasBinaryProperty(c, UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) != 0;
}

std::string_view strip_left(std::string_view text) {
  return without_start(text, is_white_space);
}

std::string_view strip_right(std::string_view text) {
  return without_end(text, is_white_space);
}

std::string_view strip_python(std::string_view text) {
  return without_end(without_start(text, is_python_space), is_python_space);
}

}  // namespace reasonbrain::text
