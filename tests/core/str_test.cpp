#include "core/str.h"

#include <gtest/gtest.h>

namespace reasonbrain {
namespace {

TEST(Str, JoinsSplitsAndTrims) {
  EXPECT_EQ(str("got ", 3, " of ", 2.5), "got 3 of 2.5");
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_TRUE(starts_with("model.safetensors", "model"));
  EXPECT_FALSE(starts_with("mo", "model"));
  EXPECT_TRUE(ends_with("model.safetensors", ".safetensors"));
}

TEST(Str, AcceptsEveryLengthOfUtf8) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
  EXPECT_TRUE(is_valid_utf8("\xF4\x8F\xBF\xBF"));  // U+10FFFF
}

TEST(Str, RefusesMalformedUtf8) {
  for (const char* text :
       {"\x80", "\xC3", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x28\xA1"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

TEST(Str, NearestMatchFindsTyposOnly) {
  const std::vector<std::string> names = {"steps", "batch_size", "learning_rate"};
  EXPECT_EQ(nearest_match("step", names), "steps");
  EXPECT_EQ(nearest_match("batchsize", names), "batch_size");
  EXPECT_EQ(nearest_match("qqqqqqqq", names), "");
  EXPECT_EQ(nearest_match("", names), "");
  EXPECT_EQ(nearest_match("steps", {}), "");
}

}  // namespace
}  // namespace reasonbrain
