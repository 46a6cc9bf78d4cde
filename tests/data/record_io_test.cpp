#include "data/record_io.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/str.h"
#include "core/temp_dir.h"
#include "reasonbrain/error.h"

namespace reasonbrain::data {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kMinimal = R"({"id": "a", "src_image": "s.png", "instruction": "What if?"})";

std::string with(const std::string& extra) {
  return kMinimal.substr(0, kMinimal.size() - 1) + ", " + extra + "}";
}

std::string parse_failure(const std::string& json) {
  try {
    parse_record(json, "x.jsonl:3", 3);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), HasSubstr("x.jsonl:3"));
    return error.what();
  }
  return "";
}

TEST(Record, EveryFieldSurvivesTheRoundTrip) {
  const std::string line =
      R"({"id":"m-1_x.y","category":"physical","src_image":"i/s.png","tgt_image":"i/t.png",)"
      R"("instruction":"What if \u00e9?","target_caption":"a puddle","objects":["red block","plate"],)"
      R"("source_caption":"sc","instruction_explicit":"ie","instance_map":"r/m.png","scenario":"melt",)"
      R"("split":"val","probe":"P","group":"g7","outcome":"puddle",)"
      R"("steps":[{"instruction":"and then?","tgt_image":"i/t2.png","target_caption":"tc"}],)"
      R"("alternatives":[{"name":"none","image":"i/a.png"}],"answer":["left","puddle"],)"
      R"("instances":[{"label":1,"words":["left","red"]}],"object_instances":[1,0],)"
      R"("regions":[{"rle":{"counts":[0,4],"size":[2,2]}}],"checks":[{"type":"area"}],"mine":{"k":1.5}})";
  const Record record = parse_record(line, "x", 9);
  EXPECT_EQ(record.line, 9);
  EXPECT_EQ(record.steps.at(0).tgt_image, "i/t2.png");
  EXPECT_EQ(record.alternatives.at(0).name, "none");
  EXPECT_EQ(record.instances.at(0).label, 1);
  EXPECT_THAT(record.instances.at(0).words, ElementsAre("left", "red"));
  EXPECT_THAT(record.object_instances, ElementsAre(1, 0));
  EXPECT_EQ(record.extra_json, R"({"checks":[{"type":"area"}],"mine":{"k":1.5}})");
  const std::string written = to_json_line(record);
  EXPECT_EQ(to_json_line(parse_record(written, "x", 9)), written);
  EXPECT_EQ(written.find('\n'), std::string::npos);
  EXPECT_THAT(written, HasSubstr(R"("mine":{"k":1.5})"));
  EXPECT_THAT(written, HasSubstr(R"("regions":[{"rle")"));
}

TEST(Record, OlderNamesAndCommaListsAreUnderstood) {
  EXPECT_EQ(parse_record(with(R"("output_description": "d")"), "x", 1).target_caption, "d");
  EXPECT_EQ(parse_record(with(R"("output_caption": "c")"), "x", 1).target_caption, "c");
  const Record record =
      parse_record(with(R"("objects": " red block, plate ,,", "target_caption": null)"), "x", 1);
  EXPECT_THAT(record.objects, ElementsAre("red block", "plate"));
  EXPECT_EQ(record.extra_json, "");
  EXPECT_EQ(record.tgt_image, "");
}

TEST(Record, HostileRecordsAreNamedErrors) {
  for (const char* id : {"", ".x", "a/b", "..", "a b", "\\u0000", "\\u00e9"}) {
    const std::string json =
        str(R"({"id": ")", id, R"(", "src_image": "s.png", "instruction": "x"})");
    EXPECT_THAT(parse_failure(json), HasSubstr("id")) << id;
  }
  EXPECT_THAT(parse_failure(str(R"({"id": ")", std::string(201, 'a'),
                                R"(", "src_image": "s.png", "instruction": "x"})")),
              HasSubstr("201 bytes"));
  for (const char* path : {"/etc/passwd", "../s.png", "a/../../s.png", "a\\u0000b"}) {
    EXPECT_THAT(parse_failure(with(str(R"("tgt_image": ")", path, "\""))), HasSubstr("tgt_image"))
        << path;
    EXPECT_THAT(parse_failure(with(str(R"("instance_map": ")", path, "\""))),
                HasSubstr("instance_map"));
    EXPECT_THAT(
        parse_failure(with(str(R"("alternatives": [{"name": "n", "image": ")", path, "\"}]"))),
        HasSubstr("alternatives"));
    EXPECT_THAT(
        parse_failure(with(str(R"("steps": [{"instruction": "n", "tgt_image": ")", path, "\"}]"))),
        HasSubstr("steps"));
  }
  EXPECT_THAT(parse_failure("{\"id\": \"a\""), HasSubstr("JSON"));
  EXPECT_THAT(parse_failure("[1]"), HasSubstr("object"));
  EXPECT_THAT(parse_failure(R"({"id": "a", "src_image": "s.png"})"),
              HasSubstr("'instruction' is missing"));
  EXPECT_THAT(parse_failure(R"({"id": "a", "src_image": "s.png", "instruction": "  "})"),
              HasSubstr("instruction"));
  EXPECT_THAT(parse_failure(R"({"id": 5, "src_image": "s.png", "instruction": "x"})"),
              HasSubstr("'id' is 5"));
  EXPECT_THAT(parse_failure(R"({"id": "a", "instruction": "x"})"), HasSubstr("src_image"));
  EXPECT_THAT(parse_failure(with(R"("category": "magic")")),
              HasSubstr("physical, temporal, causal or story"));
  EXPECT_THAT(parse_failure(with(R"("objects": [1])")), HasSubstr("objects"));
  EXPECT_THAT(parse_failure(with(R"("objects": {"a": 1})")), HasSubstr("objects"));
  EXPECT_THAT(parse_failure(with(R"("instances": [{"label": 0, "words": []}])")),
              HasSubstr("1 to 255"));
  EXPECT_THAT(parse_failure(with(R"("instances": [{"label": 3e9, "words": []}])")),
              HasSubstr("label"));
  EXPECT_THAT(parse_failure(with(R"("object_instances": [256])")), HasSubstr("object_instances"));
  EXPECT_THAT(parse_failure(with(R"("steps": "x")")), HasSubstr("steps"));
}

TEST(Record, FieldsOfTrainingInAnotherFormArePassedThrough) {
  const std::string foreign =
      R"("answer":"a puddle","instances":[{"name":"ice cube","bbox":[1,2,3,4]}],)"
      R"("object_instances":"x")";
  const Record record = parse_record(with(foreign), "f:1", 1);
  EXPECT_TRUE(record.answer.empty() && record.instances.empty() && record.object_instances.empty());
  const auto written = nlohmann::json::parse(to_json_line(record));
  EXPECT_EQ(written["answer"], "a puddle");
  EXPECT_EQ(written["instances"][0]["name"], "ice cube");
  EXPECT_EQ(written["object_instances"], "x");
  // Objects that somebody took out leave labels that say nothing.
  EXPECT_THAT(parse_record(with(R"("object_instances": [1, 2])"), "f:1", 1).object_instances,
              IsEmpty());
}

class RecordFile : public ::testing::Test {
 protected:
  std::string failure(const std::string& content) {
    write_file_atomic(path_, content);
    try {
      read_records(path_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return "";
  }

  const TempDir folder_;
  const fs::path path_ = folder_ / "r.jsonl";
};

TEST_F(RecordFile, ByteOrderMarkAndLineEndings) {
  std::string second = kMinimal;
  second.replace(second.find("\"a\""), 3, "\"b\"");
  write_file_atomic(path_, "\xEF\xBB\xBF" + kMinimal + "\r\n\r\n" + second);
  const auto records = read_records(path_);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].id, "b");
  EXPECT_EQ(records[1].line, 3);
}

TEST_F(RecordFile, DamageIsReportedWithItsLine) {
  EXPECT_THAT(failure(""), HasSubstr("empty"));
  EXPECT_THAT(failure("\n \r\n"), HasSubstr("empty"));
  EXPECT_THAT(failure(kMinimal + "\n{\n"), HasSubstr(":2:"));
  EXPECT_THAT(failure(kMinimal + "\n\n" + kMinimal + "\n"),
              HasSubstr(":3: id 'a' already stands in line 1"));
  EXPECT_THAT(failure("{\"id\": \"\xff\"}"), HasSubstr(":1:"));
  fs::remove(path_);
  EXPECT_THROW(read_records(path_), Error);
}

}  // namespace
}  // namespace reasonbrain::data
