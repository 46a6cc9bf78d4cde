#include "io/json.h"

#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/temp_dir.h"
#include "io/json_options.h"
#include "io/jsonl.h"
#include "io/quote.h"

namespace reasonbrain::io {
namespace {

TEST(ParseJson, RefusesWhatOthersReadDifferently) {
  EXPECT_EQ(parse_json(R"({"a": [1, {"b": 2}], "c": {"b": 3}})", "f")["c"]["b"], 3);
  EXPECT_ERROR(parse_json("", "f"), kData, "f: not valid JSON");
  EXPECT_ERROR(parse_json("{\"a\": 1,}", "f"), kData, "line 1");
  EXPECT_ERROR(parse_json("{} x", "f"), kData, "not valid JSON");
  EXPECT_ERROR(parse_json("[NaN]", "f"), kData, "not valid JSON");
  EXPECT_ERROR(parse_json("[1e999]", "f"), kData, "not valid JSON");
  EXPECT_ERROR(parse_json("[\"\xFF\"]", "f"), kData, "not valid JSON");
  EXPECT_ERROR(parse_json(R"({"a": 1, "b": {"c": 1, "c": 2}})", "f"), kData,
               "key \"c\" stands twice");
  EXPECT_ERROR(parse_json("[1, 2, 3]", "f", /*max_bytes=*/5), kData, "at most 5");
  EXPECT_ERROR(parse_json(std::string("{}\0}", 4), "f"), kData,
               "f: not valid JSON: a NUL byte at byte 2");
}

TEST(ParseJson, MessagesStayShort) {
  const std::string long_text(100'000, 'a');
  for (const std::string& text :
       {"[\"" + long_text, "{\"" + long_text + "\": 1, \"" + long_text + "\": 2}"}) {
    try {
      parse_json(text, "f");
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_LT(std::string(error.what()).size(), 400u);
      EXPECT_THAT(error.what(), testing::HasSubstr("..."));
    }
  }
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc...");
  EXPECT_EQ(shortened("a\xc3\xa9\xe2\x82\xac", 3), "a\xc3\xa9...");
  EXPECT_EQ(shortened("a\xc3\xa9\xe2\x82\xac", 5), "a\xc3\xa9...");
  EXPECT_EQ(shortened("\x80\x80\x80", 2), "...");
}

TEST(ParseJson, LimitsNesting) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), "f").is_array());
  EXPECT_ERROR(parse_json(std::string(65, '[') + std::string(65, ']'), "f"), kData,
               "deeper than 64");
  EXPECT_ERROR(parse_json(std::string(1'000'000, '['), "f"), kData, "deeper than 64");
}

TEST(JsonFiles, RoundTrip) {
  const TempDir dir;
  write_json(dir / "a/b.json", {{"x", 1}});
  EXPECT_EQ(slurp(dir / "a/b.json"), "{\n  \"x\": 1\n}\n");
  EXPECT_EQ(read_json(dir / "a/b.json"), nlohmann::json({{"x", 1}}));
  EXPECT_ERROR(read_json(dir.write("bad.json", "{")), kData, "bad.json: not valid JSON");
  write_json(dir / "path.json", {{"path", "a\xff"}});
  EXPECT_EQ(read_json(dir / "path.json")["path"], "a\xef\xbf\xbd");
}

struct Head {
  double dropout = 0.1;
  void describe(OptionVisitor& v) {
    v.field("dropout", dropout, {.help = "Share dropped", .min = 0, .max = 1});
  }
};

enum class Act { kGelu, kSilu };

struct Config {
  bool tie = false;
  int64_t width = 64;
  std::string name = "m";
  std::vector<int64_t> widths = {1};
  std::vector<double> scales;
  std::vector<std::string> kinds;
  Act act = Act::kGelu;
  Head head;
  std::vector<Head> heads;
  void describe(OptionVisitor& v) {
    v.field("tie", tie, {.help = "h"});
    v.field("width", width, {.help = "h", .unit = "channels", .min = 1});
    v.field("name", name, {.help = "h"});
    v.field("widths", widths, {.help = "h", .min = 1});
    v.field("scales", scales, {.help = "h"});
    v.field("kinds", kinds, {.help = "h"});
    v.choice("act", act, {"gelu", "silu"}, {.help = "h"});
    v.group("head", head, {.help = "h"});
    v.list("heads", heads, {.help = "h"});
  }
};

Config read(const std::string& text, JsonPolicy policy = {}) {
  Config config;
  read_json_options(parse_json(text, "c.json"), config, "c.json", policy);
  return config;
}

TEST(JsonOptions, ReadBackWhatTheyWrite) {
  const Config config = read(R"({"tie": true, "width": 8, "name": "x", "widths": [3, 4],
      "scales": [1, 0.5], "kinds": ["a"], "act": "silu", "head": {"dropout": 0},
      "heads": [{"dropout": 0.25}, {}]})");
  EXPECT_TRUE(config.tie);
  EXPECT_EQ(config.width, 8);
  EXPECT_EQ(config.widths, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(config.scales, (std::vector<double>{1, 0.5}));
  EXPECT_EQ(config.act, Act::kSilu);
  EXPECT_EQ(config.head.dropout, 0);
  ASSERT_EQ(config.heads.size(), 2u);
  EXPECT_EQ(config.heads[0].dropout, 0.25);
  EXPECT_EQ(config.heads[1].dropout, 0.1);
  const nlohmann::json json = write_json_options(config);
  EXPECT_EQ(write_json_options(read(json.dump())), json);
  EXPECT_EQ(json["heads"][0]["dropout"], 0.25);
  EXPECT_EQ(json["act"], "silu");
}

TEST(JsonOptions, NullAndAbsentKeepTheDefault) {
  EXPECT_EQ(read(R"({"width": null, "head": null, "heads": null})").width, 64);
  EXPECT_EQ(read(R"({"head": {}})").head.dropout, 0.1);
}

TEST(JsonOptions, UnknownKeysAreErrorsUnlessIgnored) {
  EXPECT_ERROR(read(R"({"widht": 3})"), kData,
               "c.json: key 'widht' is not an option, nearest 'width'");
  EXPECT_ERROR(read(R"({"head": {"drop": 0}})"), kData, "key 'head.drop'");
  EXPECT_EQ(read(R"({"widht": 3, "head": {"drop": 0}})", {.ignore_unknown = true}).width, 64);
}

TEST(JsonOptions, RefuseWrongTypesAndRanges) {
  EXPECT_ERROR(read("[]"), kData, "expected a JSON object");
  EXPECT_ERROR(read(R"({"width": 0})"), kData,
               "key 'width' is 0, expected an integer >= 1 channels");
  EXPECT_ERROR(read(R"({"width": 1.5})"), kData, "expected an integer");
  EXPECT_ERROR(read(R"({"width": 18446744073709551615})"), kData, "64 bits");
  EXPECT_ERROR(read(R"({"width": "8"})"), kData, "key 'width' is \"8\"");
  EXPECT_ERROR(read(R"({"tie": 1})"), kData, "expected true or false");
  EXPECT_ERROR(read(R"({"name": 1})"), kData, "expected text");
  EXPECT_ERROR(read(R"({"widths": 3})"), kData, "expected a list");
  EXPECT_ERROR(read(R"({"widths": [1, 0]})"), kData, "expected an integer >= 1");
  EXPECT_ERROR(read(R"({"kinds": [1]})"), kData, "expected text");
  EXPECT_ERROR(read(R"({"act": "relu"})"), kData, "expected one of gelu, silu");
  EXPECT_ERROR(read(R"({"head": 3})"), kData, "expected an object");
  EXPECT_ERROR(read(R"({"head": {"dropout": 2}})"), kData, "key 'head.dropout' is 2");
  EXPECT_ERROR(read(R"({"heads": [1]})"), kData, "key 'heads[0]' is 1");
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  for_each_json_line(path, [&](const nlohmann::json& object, const std::string&, int line) {
    lines.push_back(std::to_string(line) + object.dump());
  });
  return lines;
}

TEST(Jsonl, AcceptsBomCrlfAndAMissingLastLineFeed) {
  const TempDir dir;
  const std::vector<std::string> expected = {"1{\"a\":1}", "3{\"a\":2}"};
  EXPECT_EQ(lines_of(dir.write("a", "\xEF\xBB\xBF{\"a\":1}\r\n\r\n{\"a\":2}")), expected);
  EXPECT_EQ(lines_of(dir.write("b", "{\"a\":1}\n \n{\"a\":2}\n\n")), expected);
}

TEST(Jsonl, NamesTheLineThatIsBroken) {
  const TempDir dir;
  EXPECT_ERROR(lines_of(dir.write("a.jsonl", "{\"a\":1}\n{\"a\":\n")), kData, "a.jsonl:2: ");
  EXPECT_ERROR(lines_of(dir.write("b.jsonl", "{}\n[1]\n")), kData,
               "b.jsonl:2: expected a JSON object");
  EXPECT_ERROR(lines_of(dir.write("c.jsonl", "{}\n{\"a\":\"\xFF\"}\n")), kData, "c.jsonl:2: ");
  EXPECT_ERROR(lines_of(dir.write("d.jsonl", "{\"a\":1,\"a\":2}\n")), kData, "d.jsonl:1: ");
  EXPECT_ERROR(lines_of(dir.write("e.jsonl", "")), kData, "e.jsonl: the file is empty");
  EXPECT_ERROR(lines_of(dir.write("f.jsonl", "\n \n")), kData, "the file is empty");
  EXPECT_ERROR(lines_of(dir / "absent.jsonl"), kData, "absent.jsonl");
  EXPECT_ERROR(lines_of(dir.path()), kData, "expected a text file");
  EXPECT_ERROR(lines_of(dir / "absent.jsonl"), kData, "no such file");
  EXPECT_ERROR(lines_of("/proc/self/mem"), kData, "cannot read /proc/self/mem: ");
  const auto path = dir.write("g.jsonl", "{}\n" + std::string(100, 'x') + "\n");
  LineReader reader(path, /*max_line_bytes=*/50);
  std::string text;
  EXPECT_TRUE(reader.next(text));
  EXPECT_ERROR(reader.next(text), kData, "g.jsonl:2: the line is longer than 50 bytes");
}

}  // namespace
}  // namespace reasonbrain::io
