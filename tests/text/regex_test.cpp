#include "text/regex.h"

#include <gtest/gtest.h>

#include "core/expect_error.h"

namespace reasonbrain::text {
namespace {

TEST(Regex, LongLinesAreOrdinary) {
  const Regex words(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
                    "r");
  std::string numbers, english;
  for (int i = 0; i < 1'000'000; ++i) numbers += "1 ";
  for (int i = 0; i < 100'000; ++i) english += "the wolf's house, burnt down ";
  EXPECT_EQ(words.find_all(numbers).size(), 1'000'001u);  // "1", " 1", ..., " "
  EXPECT_EQ(words.find_all(english).size(), 700'001u);    // 7 each
}

TEST(Regex, QuadraticPatternsEndEarlyOnLongLines) {
  const std::string line(100'000, 'a');
  EXPECT_ERROR(Regex("(?:a|b)+c", "r").find_all(line), kData, "fails on a text of 100000 bytes");
}

// U+10D75 is a letter and U+10D40 a number of Unicode 16; both have four bytes.
TEST(Regex, ClassesAreNewerThanIcu) {
  using Matches = std::vector<std::pair<size_t, size_t>>;
  const std::string text = "a\xF0\x90\xB5\xB5!\xF0\x90\xB5\x80";
  EXPECT_EQ(Regex(R"(\p{L}+)", "r").find_all(text), (Matches{{0, 5}}));
  EXPECT_EQ(Regex(R"([\p{L}]+|\p{N}|[^\s\p{L}\p{N}]+)", "r").find_all(text),
            (Matches{{0, 5}, {5, 6}, {6, 10}}));
  EXPECT_EQ(Regex(R"(\P{L}+)", "r").find_all(text), (Matches{{5, 10}}));
  EXPECT_EQ(Regex(R"(\w+)", "r").find_all(text), (Matches{{0, 5}, {6, 10}}));
}

}  // namespace
}  // namespace reasonbrain::text
