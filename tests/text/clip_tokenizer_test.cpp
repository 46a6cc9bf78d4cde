#include <gtest/gtest.h>

#include "text/clip_words.h"
#include "text/tokenizer.h"

namespace reasonbrain::text {
namespace {

// Every end of a word becomes a space, in time that grows with the text.
TEST(ClipTokenizer, DecodesLongTexts) {
  const auto clip = load_tokenizer(std::filesystem::path(RB_TEST_DATA) / "clip");
  const std::vector<int64_t> ids(1'000'000, clip->token_id("a</w>").value());
  const std::string text = clip->decode(ids, /*skip_special=*/true);
  EXPECT_EQ(text.size(), 1'999'999u);
  EXPECT_EQ(text.substr(0, 6), "a a a ");
  EXPECT_EQ(text.back(), 'a');
}

// As Python's str.strip(): U+001C to U+001F go, too.
TEST(ClipText, StripsAsTheReference) {
  EXPECT_EQ(clip_text("\x1c</w>the</w>red</w>\x1f</w>"), "the red");
  EXPECT_EQ(clip_text("a\x1c</w>b\x1b</w>"), "a\x1c b\x1b");
}

}  // namespace
}  // namespace reasonbrain::text
