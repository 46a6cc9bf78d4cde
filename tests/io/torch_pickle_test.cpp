// The pickle interpreter on hand-made bytes; archives as torch.save writes them are in
// torch_archive_test.cpp.
#include "io/torch_pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using std::string_literals::operator""s;

std::string text(const std::string& value) {
  return "\x8c"s + static_cast<char>(value.size()) + value;
}

std::string number(int value) {
  return "K"s + static_cast<char>(value);
}

std::string storage(int numel, const std::string& type = "FloatStorage") {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text("7") + text("cpu") +
         number(numel) + "tQ";
}

// _rebuild_tensor_v2(storage, offset, sizes, strides, False, OrderedDict())
std::string tensor(int numel, int offset, const std::string& sizes, const std::string& strides,
                   const std::string& type = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage(numel, type) + number(offset) + sizes +
         strides + "\x89" + "ccollections\nOrderedDict\n)RtR";
}

std::string dict(const std::string& items) {
  return "}(" + items + "u";
}

std::string pickle(const std::string& body) {
  return "\x80\x02" + body + ".";
}

const std::string kMatrix =
    tensor(8, 1, number(2) + number(3) + "\x86", number(1) + number(2) + "\x86");

std::string problem(const std::string& bytes) {
  try {
    parse_torch_pickle(bytes, "file");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "";
}

TEST(TorchPickle, ReadsStridedViews) {
  const auto tensors = parse_torch_pickle(pickle(dict(text("w") + kMatrix)), "file");
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_EQ(tensors[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(tensors[0].strides, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(tensors[0].offset, 1);
  EXPECT_EQ(tensors[0].storage, "7");
  EXPECT_EQ(tensors[0].extent(), 7);
  EXPECT_EQ(tensors[0].dtype, Dtype::kF32);
}

TEST(TorchPickle, FindsTheStateDictInACheckpoint) {
  const std::string inner = dict(text("w") + kMatrix);
  const std::string checkpoint =
      dict(text("epoch") + number(3) + text("state_dict") + inner + text("note") + text("x"));
  EXPECT_EQ(parse_torch_pickle(pickle(checkpoint), "file")[0].name, "w");
  const std::string twice = dict(text("model") + checkpoint);
  EXPECT_EQ(parse_torch_pickle(pickle(twice), "file")[0].name, "w");
  const std::string parts = dict(text("a") + inner + text("b") + inner);
  EXPECT_EQ(parse_torch_pickle(pickle(parts), "file")[1].name, "b.w");
}

TEST(TorchPickle, ForeignClassesAreNamed) {
  EXPECT_THAT(problem(pickle("cposix\nsystem\n(" + text("true") + "tR")),
              HasSubstr("posix.system"));
  EXPECT_THAT(problem(pickle(text("builtins") + text("eval") + "\x93")),
              HasSubstr("builtins.eval"));
  EXPECT_THAT(problem(pickle("cos\npopen\n")), HasSubstr("os.popen"));
}

TEST(TorchPickle, OpaqueLeftOversArePassedOver) {
  const std::string left = "cargparse\nNamespace\n)\x81}(" + text("lr") + "G12345678" + "ub";
  const auto tensors =
      parse_torch_pickle(pickle(dict(text("args") + left + text("w") + kMatrix)), "file");
  EXPECT_EQ(tensors.size(), 1u);
}

TEST(TorchPickle, ViewsStayInTheirStorage) {
  const std::string sizes = number(2) + number(3) + "\x86",
                    strides = number(1) + number(2) + "\x86";
  EXPECT_THAT(problem(pickle(dict(text("w") + tensor(6, 1, sizes, strides)))),
              HasSubstr("leaves its storage"));
  const std::string minus = "J\xff\xff\xff\xff\x85";
  EXPECT_THAT(problem(pickle(dict(text("w") + tensor(6, 0, minus, minus)))), HasSubstr(">= 0"));
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s;
  EXPECT_THAT(problem(pickle(dict(text("w") + tensor(6, 0, huge + huge + "\x86", sizes)))),
              HasSubstr("too large"));
  const std::string large = "\x8a\x08\0\0\0\0\0\0\0\x40"s;
  EXPECT_THAT(problem(pickle(dict(text("w") + tensor(6, 0, number(0) + large + large + "\x87",
                                                     number(1) + number(1) + number(1) + "\x87")))),
              HasSubstr("too large"));
  EXPECT_THAT(problem(pickle(dict(text("w") + tensor(6, 0, sizes, number(1) + "\x85")))),
              HasSubstr("shape"));
}

TEST(TorchPickle, DamagedPicklesAreErrors) {
  EXPECT_THAT(problem(""), HasSubstr("cut short"));
  const std::string good = pickle(dict(text("w") + kMatrix));
  for (size_t size = 0; size < good.size(); ++size) EXPECT_NE(problem(good.substr(0, size)), "");
  EXPECT_THAT(problem(pickle("R")), HasSubstr("more than"));
  EXPECT_THAT(problem(pickle("u")), HasSubstr("mark"));
  EXPECT_THAT(problem(pickle("h\x05")), HasSubstr("recalls"));
  EXPECT_THAT(problem(pickle(number(1) + number(1) + "a")), HasSubstr("no container"));
  EXPECT_THAT(problem(pickle("i__builtin__\neval\n")), HasSubstr("opcode"));
  EXPECT_THAT(problem("(dp0\nVw\n."),
              AllOf(HasSubstr("protocols 0 and 1"), HasSubstr("convert it")));
  EXPECT_THAT(problem(pickle(dict(text("w") + kMatrix + text("w") + kMatrix))), HasSubstr("twice"));
  EXPECT_THAT(problem(pickle("}q\x01" + text("model") + "h\x01s")), HasSubstr("itself"));
  EXPECT_THAT(problem(pickle(kMatrix)), HasSubstr("dictionary"));
}

// Containers that hold the same container many times must not multiply the work.
TEST(TorchPickle, SharedContainersDoNotExplode) {
  std::string body = "}";
  for (int level = 0; level < 30; ++level) {
    const std::string slot = "q"s + static_cast<char>(level),
                      same = "h"s + static_cast<char>(level);
    body += slot + "0}(";
    for (int i = 0; i < 40; ++i) body += text("k" + std::to_string(i)) + same;
    body += "u";
  }
  EXPECT_NE(problem(pickle(body)), "");
  // A large dictionary without weights, as every "model" of another one.
  constexpr int kMany = 500'000;
  std::string large, models;
  for (int i = 0; i < kMany; ++i) large += "NN";
  for (int i = 0; i < kMany; ++i) models += text("model") + "h\x01";
  EXPECT_THAT(problem(pickle(dict(large) + "q\x01" + "0" + dict(models))), HasSubstr("twice"));
}

}  // namespace
}  // namespace reasonbrain::io
