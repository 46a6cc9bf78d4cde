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

}  // namespace
}  // namespace reasonbrain::text
