#include "data/region_cache.h"

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "core/temp_dir.h"
#include "data/record_source.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const nlohmann::json kSettings = {{"backend", "test"}};

nlohmann::json one_region() {  // of a 3 x 2 picture
  return nlohmann::json::parse(R"({"regions": [{"rle": {"size": [2, 3], "counts": "132"}}]})");
}

class RegionCacheTest : public ::testing::Test {
 protected:
  RegionCacheTest() : records_(folder_ / "train.jsonl"), cache_(records_) {
    picture_ = io::encode_png(io::Image(3, 2, 3, 9));
    folder_.write("s.png", picture_);
    folder_.write("train.jsonl", R"({"id": "a", "src_image": "s.png", "instruction": "x"})");
  }

  std::string failure(const std::function<void()>& body) const {
    try {
      body();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempDir folder_;
  fs::path records_;
  RegionCache cache_;
  std::string picture_;
};

TEST_F(RegionCacheTest, IsTheRecordsOwnMap) {
  EXPECT_TRUE(RecordSource(records_).get(0).instance_map.empty());
  const std::string without = RecordSource(records_).fingerprint();
  cache_.begin(kSettings, /*overwrite=*/false);
  EXPECT_FALSE(cache_.contains(picture_));
  cache_.write(picture_, one_region());
  EXPECT_TRUE(cache_.contains(picture_));
  EXPECT_EQ(cache_.folder(), folder_ / "train.regions");
  EXPECT_EQ(RecordSource(records_).get(0).instance_map.pixels,
            (std::vector<uint8_t>{0, 1, 0, 1, 1, 0}));
  EXPECT_NE(RecordSource(records_).fingerprint(), without);

  folder_.write("train.jsonl", R"({"id": "a", "src_image": "s.png", "instruction": "x", )"
                               R"("regions": [{"size": [2, 3], "counts": [0, 6]}]})");
  EXPECT_EQ(RecordSource(records_).get(0).instance_map.pixels, std::vector<uint8_t>(6, 1));
}

TEST_F(RegionCacheTest, APictureWithoutRegionsIsNotOneWithoutEntry) {
  cache_.begin(kSettings, false);
  EXPECT_THAT(failure([&] { RecordSource(records_).get(0); }), HasSubstr("train.regions"));
  cache_.write(picture_, nlohmann::json::parse(R"({"regions": []})"));
  EXPECT_TRUE(RecordSource(records_).get(0).instance_map.empty());
}

TEST_F(RegionCacheTest, AChangedPictureHasNoEntry) {
  cache_.begin(kSettings, false);
  cache_.write(picture_, one_region());
  folder_.write("s.png", io::encode_png(io::Image(3, 2, 3, 10)));
  EXPECT_THAT(failure([&] { RecordSource(records_).get(0); }), HasSubstr("train.jsonl:1"));
}

TEST_F(RegionCacheTest, OtherSettingsNeedOverwrite) {
  cache_.begin(kSettings, false);
  cache_.write(picture_, one_region());
  cache_.begin(kSettings, false);
  cache_.begin(kSettings, true);
  EXPECT_TRUE(cache_.contains(picture_));
  const nlohmann::json other = {{"backend", "other"}};
  EXPECT_THAT(failure([&] { cache_.begin(other, false); }), HasSubstr("--overwrite"));
  EXPECT_TRUE(cache_.contains(picture_));
  folder_.write("train.regions/notes.txt", "mine");
  cache_.begin(other, true);
  EXPECT_FALSE(cache_.contains(picture_));
  EXPECT_TRUE(fs::exists(folder_ / "train.regions/notes.txt"));
}

TEST_F(RegionCacheTest, DamagedEntriesAreErrors) {
  cache_.begin(kSettings, false);
  for (const char* json : {"{}", R"({"regions": 3})", R"({"regions": [{}]})",
                           R"({"regions": [{"size": [2, 2], "counts": [4]}]})"}) {
    cache_.write(picture_, nlohmann::json::parse(json));
    EXPECT_NE(failure([&] { RecordSource(records_).get(0); }), "") << json;
  }
}

}  // namespace
}  // namespace reasonbrain::data
