#include "io/safetensors_format.h"

#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/rng.h"
#include "core/str.h"

namespace reasonbrain::io {
namespace {

std::string file_of(const std::string& header, size_t num_data_bytes) {
  std::string text(8, '\0');
  for (int i = 0; i < 8; ++i)
    text[static_cast<size_t>(i)] = static_cast<char>(header.size() >> 8 * i);
  return text + header + std::string(num_data_bytes, 'd');
}

std::string small_file() {
  return file_of(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],)"
                 R"("data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},)"
                 R"("c":{"dtype":"U8","shape":[0,7],"data_offsets":[26,26]}})",
                 26);
}

TEST(ParseSafetensors, ReadsNamesShapesAndOffsets) {
  const std::string file = small_file();
  const SafetensorsHeader header = parse_safetensors(file, "f");
  ASSERT_EQ(header.tensors.size(), 3u);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_EQ(header.tensors[0].dtype, Dtype::kF32);
  EXPECT_EQ(header.tensors[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(header.tensors[0].num_bytes(), 24u);
  EXPECT_TRUE(header.tensors[1].shape.empty());
  EXPECT_EQ(header.tensors[2].num_bytes(), 0u);
  EXPECT_EQ(header.metadata.at("format"), "pt");
  EXPECT_EQ(header.data_start, file.size() - 26);
}

TEST(ParseSafetensors, RefusesEveryTruncationAndTrailingBytes) {
  const std::string file = small_file();
  for (size_t length = 0; length < file.size(); ++length) {
    EXPECT_ERROR(parse_safetensors(std::string_view(file).substr(0, length), "cut"), kData, "cut");
  }
  EXPECT_ERROR(parse_safetensors(file + "x", "long"), kData, "its tensors end at byte 26 of 27");
}

struct Hostile {
  const char* header;
  size_t num_data_bytes;
  const char* message;
};

class ParseSafetensorsHostile : public testing::TestWithParam<Hostile> {};

TEST_P(ParseSafetensorsHostile, IsRefused) {
  EXPECT_ERROR(parse_safetensors(file_of(GetParam().header, GetParam().num_data_bytes), "h"), kData,
               GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, ParseSafetensorsHostile,
    testing::Values(
        Hostile{R"([1])", 0, "not a JSON object"}, Hostile{R"({"a")", 0, "not valid JSON"},
        Hostile{R"({"a":1})", 0, "must have exactly"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1]}})", 4, "must have exactly"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4,
                "must have exactly"},
        Hostile{R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4, "unknown dtype"},
        Hostile{R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4, "unknown dtype"},
        Hostile{R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
                "not an integer >= 0"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
                "not an integer >= 0"},
        Hostile{R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4, "no valid shape"},
        Hostile{R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4,
                "too large"},
        Hostile{R"({"a":{"dtype":"U8","shape":[18446744073709551615,0],"data_offsets":[0,0]}})", 0,
                "too large"},
        Hostile{
            R"({"a":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}})",
            0, "too large"},
        Hostile{"\xef\xbb\xbf{}", 0, "begins with '{'"}, Hostile{" {}", 0, "begins with '{'"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "two data_offsets"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}})", 4,
                "not an integer >= 0"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "lies at bytes"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 4, "lies at bytes"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})", 4,
                "lies at bytes"},
        Hostile{R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "need 8"},
        Hostile{R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                6, "overlaps"},
        Hostile{R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                R"("b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                4, "overlaps"},
        Hostile{R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                R"("b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}})",
                6, "a gap"},
        Hostile{R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                R"("a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                4, "stands twice"},
        Hostile{R"({"a":{"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,2]}})", 2,
                "stands twice"},
        Hostile{R"({"__metadata__":[]})", 0, "__metadata__"},
        Hostile{R"({"__metadata__":{"a":1}})", 0, "'a' is not text"}));

TEST(ParseSafetensors, RefusesHeaderLengths) {
  EXPECT_ERROR(parse_safetensors(std::string(8, '\xFF'), "h"), kData, "the limit is");
  EXPECT_ERROR(parse_safetensors(std::string("\x64\0\0\0\0\0\0\0{}", 10), "h"), kData, "cut short");
  EXPECT_ERROR(parse_safetensors(file_of("{\"a\":" + std::string(5000, '['), 0), "h"), kData,
               "nested deeper");
}

// Whatever the damage: a header that makes sense, or an Error(kData).
TEST(ParseSafetensors, SurvivesRandomDamage) {
  const std::string file = small_file();
  int refused = 0;
  for (uint64_t trial = 0; trial < 5000; ++trial) {
    Rng rng(17, {trial});
    std::string damaged = file;
    for (int64_t i = rng.between(1, 4); i > 0; --i) {
      damaged[rng.below(damaged.size() - 26)] = static_cast<char>(rng.below(256));
    }
    try {
      for (const TensorEntry& entry : parse_safetensors(damaged, "d").tensors) {
        EXPECT_LE(entry.end, damaged.size());
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      ++refused;
    }
  }
  EXPECT_GT(refused, 4000);
}

TEST(LayoutSafetensors, AlignsAndParsesBack) {
  std::vector<TensorEntry> tensors = {
      {"z", Dtype::kU8, {3}}, {"b", Dtype::kF64, {2}}, {"a", Dtype::kF32, {2, 2}}};
  const std::string header = layout_safetensors(tensors, {{"k", "v"}});
  EXPECT_EQ(header.size() % 8, 0u);
  const SafetensorsHeader back = parse_safetensors(header + std::string(16 + 16 + 3, '\0'), "f");
  EXPECT_EQ(back.data_start, header.size());
  EXPECT_EQ(back.metadata.at("k"), "v");
  ASSERT_EQ(back.tensors.size(), 3u);
  EXPECT_EQ(back.tensors[0].begin, 16u);  // a, after b, whose elements are larger
  EXPECT_EQ(back.tensors[1].begin, 0u);
  EXPECT_EQ(back.tensors[2].begin, 32u);
}

}  // namespace
}  // namespace reasonbrain::io
