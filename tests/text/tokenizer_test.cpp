#include "text/tokenizer.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "core/atomic_file.h"
#include "core/rng.h"
#include "core/temp_dir.h"
#include "io/json.h"
#include "reasonbrain/error.h"

namespace reasonbrain::text {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const fs::path kData = RB_TEST_DATA;

class TokenizerFolder : public ::testing::Test {
 protected:
  void put(const std::string& name, std::string_view bytes) {
    write_file_atomic(folder_ / name, bytes);
  }

  std::string load_error() {
    try {
      load_tokenizer(folder_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return "";
  }

  const TempDir temporary_;
  fs::path folder_ = temporary_.path();
};

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, EqualsTheReference) {
  const auto tokenizer = load_tokenizer(kData / GetParam());
  int count = 0;
  for (const auto& item : io::read_json(kData / "tokenizer_goldens.json")) {
    if (item["tokenizer"] != GetParam()) continue;
    const auto text = item["text"].get<std::string>();
    const auto ids = item["ids"].get<std::vector<int64_t>>();
    EXPECT_EQ(tokenizer->encode(text, true), ids) << item["text"];
    if (item.contains("decoded")) {
      EXPECT_EQ(tokenizer->decode(ids, true), item["decoded"].get<std::string>()) << item["text"];
    }
    ++count;
  }
  EXPECT_GE(count, 70);
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Golden,
                         ::testing::Values("llama", "t5", "clip", "clip_added"));

TEST(Tokenizer, SpecialTokens) {
  const auto llama = load_tokenizer(kData / "llama");
  EXPECT_EQ(llama->bos_id(), 1);
  EXPECT_EQ(llama->eos_id(), 2);
  EXPECT_EQ(llama->pad_id(), llama->token_id("<pad>"));
  EXPECT_EQ(llama->vocab_size(), *llama->token_id("[OBJ]") + 1);
  EXPECT_EQ(llama->token_id("no such token"), std::nullopt);
  EXPECT_EQ(llama->encode("a", true).size(), llama->encode("a", false).size() + 1);

  const auto t5 = load_tokenizer(kData / "t5");
  EXPECT_EQ(t5->bos_id(), std::nullopt);
  EXPECT_EQ(t5->pad_id(), 0);
  EXPECT_EQ(t5->token_id("<extra_id_0>"), t5->vocab_size() - 1);

  const auto clip = load_tokenizer(kData / "clip_added");
  EXPECT_EQ(clip->pad_id(), clip->token_id("!"));
  EXPECT_EQ(clip->encode("", true), (std::vector<int64_t>{*clip->bos_id(), *clip->eos_id()}));
}

TEST(Tokenizer, DecodeKeepsOrDropsAddedTokens) {
  const auto llama = load_tokenizer(kData / "llama");
  const auto ids = llama->encode("the red<image>block", true);
  EXPECT_EQ(llama->decode(ids, /*skip_special=*/true), "the red block");
  EXPECT_EQ(llama->decode(ids, /*skip_special=*/false), "<s>the red<image>block");
}

TEST(Tokenizer, AnyBytesAreReadAndNeverCrash) {
  Rng rng(3);
  for (const char* name : {"llama", "t5", "clip", "clip_added"}) {
    const auto tokenizer = load_tokenizer(kData / name);
    EXPECT_EQ(tokenizer->encode("a\xff"
                                "b\xe2\x82",
                                true),
              tokenizer->encode("a\xef\xbf\xbd"
                                "b\xef\xbf\xbd",
                                true));
    for (int i = 0; i < 300; ++i) {
      std::string bytes(rng.below(40), '\0');
      for (char& byte : bytes) byte = static_cast<char>(rng.below(256));
      for (int64_t id : tokenizer->encode(bytes, true)) EXPECT_LT(id, tokenizer->vocab_size());
    }
    const auto ids = tokenizer->encode(std::string(100'000, 'e'), false);
    EXPECT_EQ(tokenizer->decode(ids, true).size(), 100'000u);
    EXPECT_THROW(tokenizer->decode({tokenizer->vocab_size()}, true), Error);
    EXPECT_THROW(tokenizer->decode({-1}, true), Error);
  }
}

TEST_F(TokenizerFolder, CopiesAllItsFiles) {
  copy_tokenizer_files(kData / "llama", folder_ / "copy");
  const auto copy = load_tokenizer(folder_ / "copy");
  EXPECT_EQ(copy->encode("<image> red", true),
            load_tokenizer(kData / "llama")->encode("<image> red", true));
}

TEST_F(TokenizerFolder, ConfigFlagsAreHonoured) {
  copy_tokenizer_files(kData / "llama", folder_);
  put("tokenizer_config.json",
      R"({"add_bos_token": false, "add_eos_token": true, "bos_token": "<s>",
      "added_tokens_decoder": {"2": {"content": "</s>", "special": true},
                               "900": {"content": "<x>", "lstrip": true, "rstrip": true, "single_word": false}}})");
  const auto tokenizer = load_tokenizer(folder_);
  auto expected = tokenizer->encode("a", false);
  expected.push_back(900);
  for (int64_t id : tokenizer->encode("b", false)) expected.push_back(id);
  expected.push_back(2);
  EXPECT_EQ(tokenizer->encode("a  <x>\t b", true), expected);
  EXPECT_EQ(tokenizer->vocab_size(), 901);
}

TEST_F(TokenizerFolder, SingleWordTokensMatchOnlyWholeWords) {
  copy_tokenizer_files(kData / "llama", folder_);
  put("tokenizer_config.json",
      R"({"added_tokens_decoder": {"900": {"content": "cat", "single_word": true}}})");
  const auto tokenizer = load_tokenizer(folder_);
  EXPECT_THAT(tokenizer->encode("cat", false), ElementsAre(900));
  EXPECT_THAT(tokenizer->encode("cats", false), ::testing::Not(::testing::Contains(900)));
  EXPECT_THAT(tokenizer->encode("\xc3\xa9"
                                "cat",
                                false),
              ::testing::Not(::testing::Contains(900)));
}

TEST_F(TokenizerFolder, RoleTokensMayChangeWhenNormalised) {
  copy_tokenizer_files(kData / "clip", folder_);
  put("tokenizer_config.json", R"({"bos_token": {"content": "<|START|>", "normalized": true}})");
  const auto tokenizer = load_tokenizer(folder_);
  EXPECT_EQ(tokenizer->token_id("<|START|>"), tokenizer->bos_id());
  EXPECT_THAT(tokenizer->encode("<|START|>", false), ElementsAre(*tokenizer->bos_id()));
}

TEST_F(TokenizerFolder, PathsThatCannotBeOpenedAreDataErrors) {
  fs::create_symlink("vocab.json", folder_ / "vocab.json");
  EXPECT_THAT(load_error(), HasSubstr("vocab.json: "));
  folder_ /= std::string(300, 'n');
  EXPECT_THAT(load_error(), HasSubstr("cannot read "));
  folder_ = folder_.parent_path();
}

TEST_F(TokenizerFolder, SentencePieceGoesFirst) {
  copy_tokenizer_files(kData / "clip", folder_);
  copy_tokenizer_files(kData / "llama", folder_);
  EXPECT_EQ(load_tokenizer(folder_)->token_id("<image>"),
            load_tokenizer(kData / "llama")->token_id("<image>"));
}

TEST_F(TokenizerFolder, DamagedFilesAreDataErrors) {
  EXPECT_THAT(load_error(), HasSubstr("no tokenizer here"));
  put("tokenizer.json", "{}");
  EXPECT_THAT(load_error(), HasSubstr("'model' must be an object"));
  put("vocab.json", R"({"a": 0, "b</w>": 1})");
  EXPECT_THAT(load_error(), HasSubstr("merges.txt"));
  put("merges.txt", "#version: 0.2\na b</w>\n");
  EXPECT_THAT(load_error(), HasSubstr("'ab</w>', which is not in the vocabulary"));
  put("merges.txt", "a b c\n");
  EXPECT_THAT(load_error(), HasSubstr("merges.txt:1"));
  put("merges.txt", "");
  put("vocab.json", R"({"a": -4})");
  EXPECT_THAT(load_error(), HasSubstr("no valid id"));
  put("vocab.json", "[1, 2]");
  EXPECT_THAT(load_error(), HasSubstr("must hold"));
  put("added_tokens.json", "[]");
  put("vocab.json", R"({"a": 0})");
  EXPECT_THAT(load_error(), HasSubstr("added_tokens.json"));
}

TEST_F(TokenizerFolder, DamagedModelsAreDataErrors) {
  const std::string model = read_file(kData / "llama/tokenizer.model");
  put("tokenizer.model", "");
  EXPECT_THAT(load_error(), HasSubstr("tokenizer.model"));
  put("tokenizer.model", "this is not a model");
  EXPECT_THAT(load_error(), HasSubstr("not a SentencePiece model"));
  Rng rng(5);
  for (int i = 0; i < 40; ++i) {
    std::string broken = model.substr(0, 1 + rng.below(model.size()));
    for (int k = 0; k < 4; ++k)
      broken[rng.below(broken.size())] = static_cast<char>(rng.below(256));
    put("tokenizer.model", broken);
    try {
      load_tokenizer(folder_)->encode("the red block", true);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
    }
  }
}

}  // namespace
}  // namespace reasonbrain::text
