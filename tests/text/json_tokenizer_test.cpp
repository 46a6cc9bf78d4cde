#include "text/json_tokenizer.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "core/atomic_file.h"
#include "core/rng.h"
#include "core/str.h"
#include "core/temp_dir.h"
#include "io/json.h"
#include "reasonbrain/error.h"
#include "text/regex.h"

namespace reasonbrain::text {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Folders of the repository, and those below $RB_GOLDEN_DIR when it is set: a tokenizer.json and
// cases.json of what the tokenizers library gives.
std::vector<fs::path> folders() {
  std::vector<fs::path> roots = {fs::path(RB_TEST_DATA) / "json"}, out;
  if (const char* extra = std::getenv("RB_GOLDEN_DIR")) roots.push_back(fs::path(extra));
  for (const fs::path& root : roots) {
    for (const auto& entry : fs::directory_iterator(root)) {
      if (fs::exists(entry.path() / "cases.json")) out.push_back(entry.path());
    }
  }
  return out;
}

TEST(JsonTokenizer, EqualsTheReference) {
  int count = 0;
  for (const fs::path& folder : folders()) {
    SCOPED_TRACE(folder.string());
    const JsonTokenizer tokenizer(folder);
    for (const auto& item : io::read_json(folder / "cases.json")) {
      const auto ids = item["ids"].get<std::vector<int64_t>>();
      EXPECT_EQ(tokenizer.encode(item["text"].get<std::string>(), true), ids) << item["text"];
      EXPECT_EQ(tokenizer.decode(ids, true), item["decoded"].get<std::string>()) << item["text"];
      ++count;
    }
  }
  EXPECT_GE(count, 500);
}

TEST(JsonTokenizer, SpecialTokensComeFromTheTemplate) {
  const JsonTokenizer llama(fs::path(RB_TEST_DATA) / "json/llama-new");
  EXPECT_EQ(llama.bos_id(), 1);
  EXPECT_EQ(llama.token_id("<image>"), llama.vocab_size() - 2);
  const JsonTokenizer t5(fs::path(RB_TEST_DATA) / "json/t5");
  EXPECT_EQ(t5.eos_id(), 1);
  EXPECT_EQ(t5.bos_id(), std::nullopt);
}

class Written : public ::testing::Test {
 protected:
  void put(const std::string& text) { write_file_atomic(folder_ / "tokenizer.json", text); }

  std::string problem(const std::string& text) {
    put(text);
    try {
      JsonTokenizer tokenizer(folder_);
      tokenizer.encode("some text", true);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return "";
  }

  const TempDir temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(Written, WhatIsNotReadIsNamed) {
  const auto with = [](const std::string& name, const std::string& step) {
    return str(R"({"model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", -1]]}, ")", name,
               "\": ", step, "}");
  };
  EXPECT_EQ(problem(with("normalizer", "null")), "");
  EXPECT_THAT(problem(with("normalizer", R"({"type": "BertNormalizer"})")),
              HasSubstr("BertNormalizer"));
  EXPECT_THAT(problem(with("pre_tokenizer", R"({"type": "BertPreTokenizer"})")),
              HasSubstr("BertPreTokenizer"));
  EXPECT_THAT(problem(with("decoder", R"({"type": "CTC"})")), HasSubstr("CTC"));
  EXPECT_THAT(problem(with("post_processor", R"({"type": "Magic"})")), HasSubstr("Magic"));
  EXPECT_THAT(problem(R"({"model": {"type": "WordPiece"}})"), HasSubstr("WordPiece"));
  EXPECT_THAT(
      problem(with("pre_tokenizer",
                   R"({"type": "Split", "behavior": "Removed", "pattern": {"Regex": "(("}})")),
      HasSubstr("(("));
  EXPECT_THAT(
      problem(with("normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "/////w=="})")),
      HasSubstr("precompiled_charsmap"));
  EXPECT_THAT(problem(R"({"model": {"type": "Unigram", "vocab": [["a", -1]]}})"),
              HasSubstr("unk_id"));
  EXPECT_THAT(problem(R"({"model": {"type": "Unigram", "vocab": [["a"]]}})"), HasSubstr("score"));
  EXPECT_THAT(problem(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}})"),
              HasSubstr("'b'"));
  EXPECT_THAT(problem(R"({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}})"),
              HasSubstr("no valid id"));
  EXPECT_THAT(problem(R"({"added_tokens": [{"content": "", "id": 3}],
                          "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})"),
              HasSubstr("empty"));
}

TEST_F(Written, PatternsThatExplodeEndInAnError) {
  put(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
          "pre_tokenizer": {"type": "Split", "behavior": "Isolated",
                            "pattern": {"Regex": "(a+)+(a+)+(a+)+b"}}})");
  const JsonTokenizer tokenizer(folder_);
  EXPECT_THROW(tokenizer.encode(std::string(300, 'a'), false), Error);
}

// A folder that transformers 5 saves: its class puts spaces for the ends of words.
TEST_F(Written, ClipClassEndsWordsInSpaces) {
  put(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b</w>": 1, "c</w>": 2}, "merges": [],
                    "end_of_word_suffix": "</w>"},
          "decoder": {"type": "ByteLevel"},
          "added_tokens": [{"id": 3, "content": "<e>", "special": true}]})");
  const std::vector<int64_t> ids = {3, 0, 1, 2, 3};
  EXPECT_EQ(JsonTokenizer(folder_).decode(ids, /*skip_special=*/true), "ab</w>c</w>");
  write_file_atomic(folder_ / "tokenizer_config.json", R"({"tokenizer_class": "CLIPTokenizer"})");
  const JsonTokenizer clip(folder_);
  EXPECT_EQ(clip.decode(ids, /*skip_special=*/true), "ab c");
  EXPECT_EQ(clip.decode(ids, /*skip_special=*/false), "<e>ab c <e>");
}

TEST_F(Written, DamagedFilesNeverCrash) {
  Rng rng(9);
  for (const char* name : {"llama-new", "t5"}) {
    const std::string whole = read_file(fs::path(RB_TEST_DATA) / "json" / name / "tokenizer.json");
    for (int i = 0; i < 25; ++i) {
      std::string broken = whole;
      for (int k = 0; k < 3; ++k) {
        broken[rng.below(broken.size())] = static_cast<char>(0x20 + rng.below(95));
      }
      problem(broken);
    }
  }
}

// What the tokenizers library gives: "abb" inside a word is passed over whole, its "bb" too.
TEST_F(Written, PartsOfWordsHideShorterTokens) {
  put(R"({"model": {"type": "BPE", "vocab": {"x": 0, "a": 1, " ": 2, "b": 4}, "merges": []},
          "added_tokens": [{"id": 3, "content": "abb", "single_word": true, "normalized": false},
                           {"id": 5, "content": "bb", "normalized": false}]})");
  const JsonTokenizer tokenizer(folder_);
  const std::pair<const char*, std::vector<int64_t>> kCases[] = {
      {"xabb abb bb", {0, 1, 4, 4, 2, 3, 2, 5}},
      {"xabbbb", {0, 1, 4, 4, 5}},
      {"abb\xe2\x80\x8d", {1, 4, 4}},  // a joiner
      {"abb\xcc\x81", {1, 4, 4}},      // an accent
      {"abb\xe2\x85\xa0", {1, 4, 4}},  // a Roman number
      {"abb\xe2\x80\xbf", {1, 4, 4}},  // an undertie
      {"abb\xc2\xb2", {3}},            // a superscript
      {"abb-", {3}},
  };
  for (const auto& [text, ids] : kCases) EXPECT_EQ(tokenizer.encode(text, false), ids) << text;
}

TEST_F(Written, TokensKeepTheirNameWhereTheirTextIsNormalised) {
  put(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
          "normalizer": {"type": "Lowercase"},
          "added_tokens": [{"id": 3, "content": "<BOS>", "special": true, "normalized": true}]})");
  write_file_atomic(folder_ / "tokenizer_config.json", R"({"bos_token": "<BOS>"})");
  const JsonTokenizer tokenizer(folder_);
  EXPECT_EQ(tokenizer.bos_id(), 3);
  EXPECT_EQ(tokenizer.token_id("<BOS>"), 3);
  EXPECT_THAT(tokenizer.encode("a<bos><BOS>", false), ElementsAre(0, 3, 3));
  EXPECT_EQ(tokenizer.decode({3}, /*skip_special=*/false), "<bos>");
}

TEST_F(Written, NeighbouringUnknownLettersAreOneToken) {
  put(R"({"model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", -1], ["a", -2]]}})");
  const JsonTokenizer tokenizer(folder_);
  EXPECT_THAT(tokenizer.encode("xyza\xc3\xa9", false), ElementsAre(0, 1, 0));
  EXPECT_THAT(tokenizer.encode(std::string(300'000, 'x'), false), ElementsAre(0));
}

TEST_F(Written, MessagesStayShort) {
  const std::string long_text(100'000, 'a');
  for (const std::string& model :
       {R"({"type": "Unigram", "vocab": [[")" + long_text + R"("]]})",
        R"({"type": "BPE", "vocab": {"a": 0}, "merges": [[")" + long_text + R"("]]})",
        R"({"type": ")" + long_text + R"("})"}) {
    const std::string message = problem(R"({"model": )" + model + "}");
    EXPECT_THAT(message, HasSubstr("aaa..."));
    EXPECT_LT(message.size(), 600u);
  }
}

// What Oniguruma matches, in bytes.
TEST(Regex, ReadsPatternsAsOnigurumaDoes) {
  struct {
    const char *pattern, *text;
    std::vector<std::pair<size_t, size_t>> matches;
  } const kCases[] = {
      {"^a",
       "a\na\n\xe2\x80\xa8"
       "a",
       {{0, 1}, {2, 3}}},
      {"a$", "a\na\r\nb a\xe2\x80\xa8", {{0, 1}}},
      {".+",
       "a\rb\xe2\x80\xa8"
       "c\nd\xc2\x85"
       "e",
       {{0, 7}, {8, 12}}},
      {"\\h+", "xyzAF09 g\tz", {{3, 7}}},
      {"[\\h_]+", "xAF_9 g\tz", {{1, 5}}},
      {"\\H+", "xyzAF09 g\tz", {{0, 3}, {7, 11}}},
  };
  for (const auto& item : kCases) {
    EXPECT_EQ(Regex(item.pattern, "r").find_all(item.text), item.matches) << item.pattern;
  }
}

TEST_F(Written, MetaspaceFirstPrependsOnlyAtTheStart) {
  put(R"({"model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "a": 1, "▁": 2}, "merges": []},
          "added_tokens": [{"id": 3, "content": "<x>", "special": true}],
          "pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "first", "split": false}})");
  const JsonTokenizer tokenizer(folder_);
  EXPECT_THAT(tokenizer.encode("a<x>a", false), ElementsAre(2, 1, 3, 1));
  EXPECT_THAT(tokenizer.encode("<x>a a", false), ElementsAre(3, 1, 2, 1));
}

}  // namespace
}  // namespace reasonbrain::text
