#include "text/train_tokenizer.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "core/atomic_file.h"
#include "core/temp_dir.h"
#include "reasonbrain/error.h"
#include "text/tokenizer.h"

namespace reasonbrain::text {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kCorpus = {"What would happen if the red block stayed?",
                                          "Suppose someone swapped the plates."};
const std::vector<std::string> kWords = {"What",    "would", "happen", "if",      "the",
                                         "red",     "block", "stayed", "swapped", "plates",
                                         "someone", "n3",    "gone"};

class TrainTokenizer : public ::testing::Test {
 protected:
  const TempDir temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(TrainTokenizer, LlamaWordsAreSinglePieces) {
  train_llama_tokenizer(kCorpus, kWords, folder_);
  const auto tokenizer = load_tokenizer(folder_);
  for (const std::string& word : kWords) {
    const auto ids = tokenizer->encode(word, false);
    ASSERT_EQ(ids.size(), 1u) << word;
    EXPECT_EQ(tokenizer->token_id("\u2581" + word), ids[0]);
  }
  const auto ids = tokenizer->encode(kCorpus[0], true);
  EXPECT_EQ(ids.size(), 1 + 8 + 1u);  // BOS, eight words, "?"
  EXPECT_EQ(ids[0], 1);
  EXPECT_EQ(tokenizer->decode(ids, true), kCorpus[0]);
  const std::string unseen = "\u65e5\u672c never seen";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(unseen, true), true), unseen);  // byte fallback
  EXPECT_LT(tokenizer->vocab_size(), 500);
}

TEST_F(TrainTokenizer, SameInputSameBytes) {
  train_llama_tokenizer(kCorpus, kWords, folder_ / "a");
  train_llama_tokenizer(kCorpus, kWords, folder_ / "b");
  train_clip_tokenizer(kWords, folder_ / "a");
  train_clip_tokenizer(kWords, folder_ / "b");
  for (const char* name :
       {"tokenizer.model", "vocab.json", "merges.txt", "tokenizer_config.json"}) {
    EXPECT_EQ(read_file(folder_ / "a" / name), read_file(folder_ / "b" / name)) << name;
  }
}

TEST_F(TrainTokenizer, ImpossibleWordsAreNamed) {
  try {
    train_llama_tokenizer(kCorpus, {"red", "two words"}, folder_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("two words"));
  }
  EXPECT_THROW(train_llama_tokenizer(kCorpus, {}, folder_), Error);
}

TEST_F(TrainTokenizer, ClipWordsAreSingleTokens) {
  train_clip_tokenizer({"Red", "block", "na\u00efve", "it's"}, folder_);
  const auto tokenizer = load_tokenizer(folder_);
  for (const char* word : {"red", "RED", "block", "NA\u00cfVE"}) {
    EXPECT_EQ(tokenizer->encode(word, false).size(), 1u) << word;
  }
  EXPECT_EQ(tokenizer->encode("it's red", false).size(), 3u);
  EXPECT_EQ(tokenizer->encode("red", false)[0], tokenizer->token_id("red</w>"));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a red zebra, 7 blocks", true), true),
            "a red zebra , 7 blocks");
}

}  // namespace
}  // namespace reasonbrain::text
