#include "text/added_tokens.h"

#include <gmock/gmock.h>

#include "core/str.h"

namespace reasonbrain::text {
namespace {

using ::testing::ElementsAre;

AddedTokens tokens_of(const std::vector<std::string>& contents) {
  std::vector<AddedToken> tokens;
  for (const std::string& content : contents) {
    AddedToken token;
    token.content = content;
    token.id = static_cast<int64_t>(tokens.size());
    tokens.push_back(token);
  }
  return AddedTokens(std::move(tokens));
}

std::vector<std::string> split(const AddedTokens& tokens, std::string_view text) {
  std::vector<std::string> parts;
  for (const Segment& segment : tokens.split(text)) {
    parts.push_back(segment.token == nullptr ? std::string(segment.text)
                                             : str("#", segment.token->id));
  }
  return parts;
}

TEST(AddedTokens, TheLongestMatches) {
  const AddedTokens tokens =
      tokens_of({"<a", "<abc", "<b>", "<a", "<\xc3\xa9", "<\xc3\xa9>", "<ab\xff"});
  EXPECT_THAT(split(tokens, "x<abcd<abd"), ElementsAre("x", "#1", "d", "#0", "bd"));
  EXPECT_THAT(split(tokens, "<\xc3\xa9><\xc3\xa9<b><"), ElementsAre("#5", "#4", "#2", "<"));
  EXPECT_THAT(split(tokens, "<ab\xff<ab"), ElementsAre("#6", "#0", "b"));
  EXPECT_THAT(split(tokens, "<"), ElementsAre("<"));
}

// Tokens with the same beginning must not be tried one by one.
TEST(AddedTokens, ManyTokensAreFound) {
  std::vector<std::string> contents;
  for (int i = 0; i < 100'000; ++i) contents.push_back(str("<token", i, ">"));
  const AddedTokens tokens = tokens_of(contents);
  EXPECT_THAT(split(tokens, "<token9><token12345><token12345"),
              ElementsAre("#9", "#12345", "<token12345"));
  const std::string plain(1'000'000, '<');
  EXPECT_THAT(split(tokens, plain), ElementsAre(plain));
}

}  // namespace
}  // namespace reasonbrain::text
