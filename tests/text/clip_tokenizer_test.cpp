#include <gtest/gtest.h>

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

}  // namespace
}  // namespace reasonbrain::text
