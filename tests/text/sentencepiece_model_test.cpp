#include "text/sentencepiece_model.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/expect_error.h"
#include "core/temp_dir.h"
#include "text/tokenizer.h"

namespace reasonbrain::text {
namespace {

const std::filesystem::path kT5 = std::filesystem::path(RB_TEST_DATA) / "t5";

constexpr uint32_t kBase = 256;    // where the table's first bytes stand
constexpr uint32_t kValues = 512;  // where the values stand
constexpr uint32_t kHasLeaf = 1 << 8;
constexpr uint32_t kValue = 0x80000000u;  // the unit of a value; no byte leads to it

std::string u32(uint32_t value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((value >> shift) & 0xFF);
  return bytes;
}

// A field of a protocol buffer.
std::string field(int number, const std::string& content) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  size_t size = content.size();
  for (; size > 0x7F; size >>= 7) out += static_cast<char>((size & 0x7F) | 0x80);
  return out + static_cast<char>(size) + content;
}

// The table of one rule, 'x' becomes "y": darts-clone's units.
std::vector<uint32_t> table() {
  std::vector<uint32_t> units(768, kValue);
  units[0] = kBase << 10;
  units[kBase ^ 'x'] = 'x' | kHasLeaf | ((kBase ^ 'x' ^ kValues) << 10);
  return units;
}

std::string charsmap(const std::vector<uint32_t>& units) {
  std::string trie;
  for (const uint32_t unit : units) trie += u32(unit);
  return u32(static_cast<uint32_t>(trie.size())) + trie + std::string("y\0", 2);
}

// T5's model with another map.
std::string model_with(const std::string& map, int spec = 3) {
  return read_file(kT5 / "spiece.model") + field(spec, field(2, map));
}

std::vector<int64_t> encode_with(const std::string& map) {
  const TempDir dir;
  dir.write("spiece.model", model_with(map));
  return load_tokenizer(dir.path())->encode("a x b", /*add_special=*/false);
}

TEST(SentencePieceModel, MapsThatHoldTogetherPass) {
  EXPECT_EQ(encode_with(charsmap(table())),
            load_tokenizer(kT5)->encode("a y b", /*add_special=*/false));
}

TEST(SentencePieceModel, MapsThatLeadAstrayAreRefused) {
  std::vector<std::vector<uint32_t>> broken(5, table());
  broken[0][0] = 0x3FFFFFu << 10;                        // the children lie behind the table
  broken[1][kBase ^ 'x'] = 'x' | (0x1FFFFFu << 10);      // those of 'x' do
  broken[2][kValues] = kValue + 2;                       // the replacement lies behind its text
  broken[3][kBase ^ 'x'] = 'x' | (uint32_t{'x'} << 10);  // 'x' again and again
  broken[4].resize(kValues + 1);                         // a table that ends too early
  for (const auto& units : broken) {
    EXPECT_ERROR(encode_with(charsmap(units)), kData, "spiece.model: precompiled_charsmap is dam");
    EXPECT_ERROR(check_sentencepiece_model(model_with(charsmap(units), /*spec=*/5), "m"), kData,
                 "m: precompiled_charsmap is damaged");
  }
  EXPECT_ERROR(check_sentencepiece_model(model_with(u32(4)), "m"), kData, "does not fit");
}

// The library keeps 32 rules that begin a text and counts on.
TEST(SentencePieceModel, ChainsOfRulesAreRefused) {
  const auto chain = [](uint32_t length) {  // "x", "xx", ... become "y"
    std::vector<uint32_t> units(256 * (length + 2), kValue);
    units[0] = kBase << 10;
    for (uint32_t i = 1; i <= length; ++i) {
      const uint32_t here = (256 * i) ^ 'x', next = 256 * (i + 1);
      units[here] = 'x' | kHasLeaf | ((here ^ next) << 10);
    }
    return field(3, field(2, charsmap(units)));
  };
  EXPECT_NO_THROW(check_sentencepiece_model(chain(32), "m"));
  EXPECT_ERROR(check_sentencepiece_model(chain(33), "m"), kData, "precompiled_charsmap is damaged");
}

// "00" before or behind "0": the sums are equal but for rounding.
TEST(SentencePieceModel, TiesFallAsInTheReference) {
  EXPECT_EQ(load_tokenizer(kT5)->encode("word1,000", /*add_special=*/true),
            (std::vector<int64_t>{28, 34, 11, 80, 39, 37, 59, 1}));
}

TEST(SentencePieceModel, KindsOfPieces) {
  const std::string user = field(1, field(1, "a") + "\x18\x04"), normal = field(1, field(1, "b"));
  const SentencePieceKinds kinds = read_sentencepiece_kinds(user + normal, "m");
  EXPECT_TRUE(kinds.unigram);
  EXPECT_EQ(kinds.user_defined, (std::vector<bool>{true, false}));
  EXPECT_FALSE(read_sentencepiece_kinds(field(2, "\x18\x02"), "m").unigram);  // BPE
}

TEST(SentencePieceModel, DamagedFieldsAreRefused) {
  for (const char* bytes : {"\x1a\x05", "\x1a", "\x1b", "\x09\x01", "\x9a\x80\x80\x80\x10\x01z",
                            "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    EXPECT_ERROR(check_sentencepiece_model(bytes, "m"), kData, "m: not a SentencePiece model");
  }
}

}  // namespace
}  // namespace reasonbrain::text
