#include "text/unicode.h"

#include <gtest/gtest.h>

#include "text/clip_words.h"

namespace reasonbrain::text {
namespace {

TEST(Unicode, IllFormedBytesBecomeReplacementCharacters) {
  EXPECT_EQ(decode_utf8("a\xC0\x80z"), U"a\uFFFD\uFFFDz");        // overlong NUL
  EXPECT_EQ(decode_utf8("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(decode_utf8("\xF0\x9F\x98"), U"\uFFFD");              // cut short: one maximal subpart
  EXPECT_EQ(decode_utf8("\xF4\x90\x80\x80"), U"\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond U+10FFFF
  EXPECT_EQ(encode_utf8(U"a\u00e9\u4e2d\U0001F600"), "a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80");
}

TEST(Unicode, NormalisesAndLowers) {
  EXPECT_EQ(normalize_nfc(U"e\u0301 \u1100\u1161 \u212B"), U"\u00e9 \uAC00 \u00C5");
  EXPECT_EQ(normalize_nfc(U"\U0001D15E"), U"\U0001D157\U0001D165");  // composition exclusion: grows
  EXPECT_EQ(normalize_nfc(U""), U"");
  EXPECT_EQ(lower_case(U"\u0130I\u03A3\u1E9E"), U"i\u0307i\u03C3\u00DF");
}

TEST(Unicode, Strips) {
  EXPECT_EQ(strip_left(" \u3000\ta b "), "a b ");
  EXPECT_EQ(strip_right("a b\u00a0\n"), "a b");
  EXPECT_EQ(strip_left(" \t"), "");
  EXPECT_EQ(strip_right(""), "");
}

TEST(Unicode, NewerThanIcu) {
  EXPECT_TRUE(is_letter(U'\U00010D75'));
  EXPECT_TRUE(is_letter(U'\U0001138B'));
  EXPECT_FALSE(is_letter(U'\U0001138C'));
  EXPECT_TRUE(is_number(U'\U0001CCF9'));
  EXPECT_FALSE(is_number(U'\U0001CCFA'));
  EXPECT_EQ(lower_case(U"\uA7CB\uA7DC\U00010D51\U00016EB8"), U"\u0264\u019B\U00010D71\U00016ED3");
  EXPECT_EQ(clip_words(encode_utf8(U"\U00010D75\U00010D76!")),
            (std::vector<std::string>{encode_utf8(U"\U00010D75\U00010D76"), "!"}));
}

TEST(ClipWords, CutsAsTheReferencePattern) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(clip_words("it's 10 a.m.!"), (Words{"it", "'s", "1", "0", "a", ".", "m", ".!"}));
  EXPECT_EQ(clip_words("a<|endoftext|>'re"), (Words{"a", "<|", "endoftext", "|>", "'re"}));
  EXPECT_EQ(clip_normalize("A\u00a0\r\n\tB "), "a b ");
}

}  // namespace
}  // namespace reasonbrain::text
