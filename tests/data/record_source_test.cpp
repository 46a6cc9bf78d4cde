#include "data/record_source.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/atomic_file.h"
#include "core/expect_error.h"
#include "core/str.h"
#include "core/temp_dir.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RecordFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    io::write_png(folder_ / "s.png", io::Image(4, 3, 3, 10));
    io::write_png(folder_ / "t.png", io::Image(4, 3, 3, 20));
    io::write_png(folder_ / "big.png", io::Image(5, 3, 3, 20));
    io::Image map(4, 3, 1);
    map.at(1, 1) = 2;
    map.at(2, 1) = 1;
    io::write_png(folder_ / "m.png", map);
  }

  fs::path put(const std::string& fields) {
    std::string line = fields;
    std::replace(line.begin(), line.end(), '\n', ' ');
    write_file_atomic(folder_ / "r.jsonl",
                      R"({"id": "a", "src_image": "s.png", "instruction": "x")" + line + "}\n");
    return folder_ / "r.jsonl";
  }

  std::string failure(const std::string& fields) {
    try {
      RecordSource(put(fields)).get(0);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return "";
  }

  const TempDir temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(RecordFolder, LoadsEveryPicture) {
  const RecordSource source(put(R"(, "tgt_image": "t.png", "instance_map": "m.png",
      "alternatives": [{"name": "none", "image": "s.png"}],
      "instances": [{"label": 1, "words": ["left", ""]}, {"label": 2, "words": ["right", "red"]}])"));
  const Sample sample = source.get(0);
  EXPECT_EQ(sample.source, io::Image(4, 3, 3, 10));
  EXPECT_EQ(sample.target, io::Image(4, 3, 3, 20));
  EXPECT_EQ(sample.instance_map.at(1, 1), 2);
  ASSERT_EQ(sample.alternatives.size(), 1u);
  EXPECT_EQ(sample.alternatives[0].name, "none");
  EXPECT_THAT(source.label_slots(), ElementsAre(ElementsAre("left", "right"), ElementsAre("red")));
  EXPECT_NO_THROW(source.require_pictures());
  EXPECT_THROW(source.get(1), Error);
  EXPECT_THROW(source.get(-1), Error);
}

TEST_F(RecordFolder, InputsOnlyNeverOpensTheTarget) {
  const auto path =
      put(R"(, "tgt_image": "absent.png", "alternatives": [{"name": "n", "image": "absent.png"}])");
  const RecordSource source(path, RecordSource::Pictures::kInputsOnly);
  EXPECT_TRUE(source.get(0).target.empty());
  EXPECT_NO_THROW(source.require_pictures());
  EXPECT_THROW(RecordSource(path).require_pictures(), Error);
}

TEST_F(RecordFolder, RegionsBecomeAnInstanceMap) {
  const RecordSource source(
      put(R"(, "regions": [{"rle": {"size": [3, 4], "counts": [0, 3, 9]}}])"));
  const io::Image map = source.get(0).instance_map;
  EXPECT_EQ(map.at(0, 2), 1);  // the first column
  EXPECT_EQ(map.at(1, 0), 0);
}

TEST_F(RecordFolder, NoRegionsMeansNone) {
  EXPECT_TRUE(RecordSource(put(R"(, "regions": [])")).get(0).instance_map.empty());
}

TEST_F(RecordFolder, PicturesOfStepsAndMasksMustBeThere) {
  const std::string steps = R"(, "steps": [{"instruction": "y", "tgt_image": "absent.png"}])";
  EXPECT_THROW(RecordSource(put(steps)).require_pictures(), Error);
  EXPECT_NO_THROW(RecordSource(put(steps), RecordSource::Pictures::kInputsOnly).require_pictures());
  EXPECT_THROW(RecordSource(put(R"(, "regions": [{"mask": "absent.png"}])")).require_pictures(),
               Error);
  EXPECT_NO_THROW(RecordSource(put(R"(, "regions": [{"mask": "m.png"}])")).require_pictures());
}

TEST_F(RecordFolder, PicturesThatASampleLeavesOutAreCheckedToo) {
  const auto check = [&](const std::string& fields) {
    RecordSource(put(fields)).check_pictures(0);
  };
  const std::string step = R"(, "steps": [{"instruction": "y", "tgt_image": "t.png"}])";
  const std::string mask = R"(, "instance_map": "m.png", "regions": [{"mask": "t.png"}])";
  const auto expect_bad = [&](const std::string& fields) {
    RecordSource(put(fields)).get(0);
    EXPECT_ERROR(check(fields), kData, "r.jsonl:1: ");
  };
  check(step);
  io::write_png(folder_ / "t.png", io::Image(5, 3, 3));
  expect_bad(step);
  write_file_atomic(folder_ / "t.png", "no picture");
  expect_bad(step);
  expect_bad(mask);
}

TEST_F(RecordFolder, WhatAnEditSeesHasAHash) {
  const auto hash = [&](const std::string& fields) {
    return RecordSource(put(fields), RecordSource::Pictures::kInputsOnly).inputs_sha256(0);
  };
  const std::string plain = hash("");
  EXPECT_EQ(hash(R"(, "tgt_image": "t.png", "scenario": "z")"), plain);
  const std::string one = hash(R"(, "objects": ["ab"])"), two = hash(R"(, "objects": ["a", "b"])");
  const std::string map = hash(R"(, "instance_map": "m.png")");
  EXPECT_EQ(std::set<std::string>({plain, one, two, map, hash(R"(, "regions": [])")}).size(), 5u);
  io::write_png(folder_ / "m.png", io::Image(4, 3, 1));
  EXPECT_NE(hash(R"(, "instance_map": "m.png")"), map);
  EXPECT_EQ(hash(""), plain);
  const RecordSource source(put(""));
  fs::remove(folder_ / "s.png");
  EXPECT_ERROR(source.inputs_sha256(0), kData, "r.jsonl:1: ");
}

TEST_F(RecordFolder, TheCachedRegionsBelongToTheHash) {
  const fs::path records = put("");
  const RegionCache cache(records);
  cache.begin({{"made", "here"}}, /*overwrite=*/false);
  const std::string picture = read_file(folder_ / "s.png");
  const auto hash = [&] { return RecordSource(records).inputs_sha256(0); };
  const std::string none = hash();
  cache.write("another picture", {{"regions", nlohmann::json::array()}});
  EXPECT_EQ(hash(), none);
  cache.write(picture, {{"regions", nlohmann::json::array()}});
  EXPECT_NE(hash(), none);
}

TEST_F(RecordFolder, BadPicturesAreNamed) {
  EXPECT_THAT(failure(R"(, "tgt_image": "big.png")"),
              HasSubstr("'big.png' is 5x3, expected the size of 's.png', 4x3"));
  EXPECT_THAT(failure(R"(, "tgt_image": "absent.png")"), HasSubstr("absent.png"));
  EXPECT_THAT(failure(R"(, "regions": [{"rle": {"size": [9, 4], "counts": [36]}}])"),
              HasSubstr("4x9"));
  write_file_atomic(folder_ / "s.png", "no picture");
  EXPECT_THAT(failure(""), AllOf(HasSubstr("r.jsonl:1: "), HasSubstr("s.png")));
  const RecordSource long_name(put(str(R"(, "tgt_image": ")", std::string(300, 'a'), R"(.png")")));
  EXPECT_THROW(long_name.require_pictures(), Error);
  fs::remove(folder_ / "s.png");
  fs::create_symlink("/etc/hostname", folder_ / "s.png");
  EXPECT_THAT(failure(""), HasSubstr("link"));
}

TEST_F(RecordFolder, FingerprintFollowsTheData) {
  const std::string first = RecordSource(put("")).fingerprint();
  EXPECT_EQ(first, RecordSource(put("")).fingerprint());
  EXPECT_NE(first, RecordSource(put(R"(, "scenario": "z")")).fingerprint());
  io::write_png(folder_ / "s.png", io::Image(40, 30, 3, 10));
  EXPECT_NE(first, RecordSource(put("")).fingerprint());
}

}  // namespace
}  // namespace reasonbrain::data
