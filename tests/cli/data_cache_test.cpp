// `data cache` and `edit --sam`, with the small SAM of tests/segment.
#include <nlohmann/json.hpp>

#include "run_until.h"

namespace reasonbrain::cli {
namespace {

const std::string kSam = RB_SOURCE_DIR "/tests/segment/data/sam";
const std::string kMini = RB_SOURCE_DIR "/models/mini";

class DataCacheTest : public ProgramTest {
 protected:
  DataCacheTest() {
    const Finished world =
        run({"data", "miniworld", "--out", "w", "--split", "val", "--count", "6", "--seed", "5"});
    EXPECT_EQ(world.status, 0) << world.err;
    // Records without regions of their own.
    std::string lines;
    for (const std::string& line : split(read_file(folder_ / "w/records.jsonl"), '\n')) {
      if (line.empty()) continue;
      nlohmann::json record = nlohmann::json::parse(line);
      for (const char* field : {"instance_map", "instances", "object_instances"})
        record.erase(field);
      lines += record.dump() + "\n";
    }
    write_file_atomic(folder_ / "w/records.jsonl", lines);
  }

  static std::vector<std::string> cache(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"data",
                                          "cache",
                                          "--what",
                                          "regions",
                                          "--data",
                                          "w/records.jsonl",
                                          "--sam",
                                          kSam,
                                          "points_per_side=4",
                                          "pred_iou_thresh=0.5",
                                          "stability_score_thresh=0.5"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  int64_t written(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = cache(more);
    arguments.push_back("--json");
    const Finished result = run(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.status == 0 ? nlohmann::json::parse(result.out)["written"].get<int64_t>() : -1;
  }
};

TEST_F(DataCacheTest, WhatIsThereIsKept) {
  EXPECT_EQ(written(), 6);
  const std::vector<std::string> names = names_in("w/records.regions");
  EXPECT_EQ(names.size(), 7U);  // with settings.json
  EXPECT_EQ(written(), 0);
  const std::string some = "w/records.regions/" + names[2];
  const std::string before = read_file(folder_ / some);
  fs::remove(folder_ / some);
  EXPECT_EQ(written(), 1);
  EXPECT_EQ(read_file(folder_ / some), before);
  EXPECT_EQ(run({"data", "check", "--data", "w/records.jsonl"}).status, 0);
  const nlohmann::json regions = nlohmann::json::parse(before);
  EXPECT_EQ(regions["size"], nlohmann::json({64, 64}));
}

TEST_F(DataCacheTest, OtherSettingsAreRefusedUnlessOverwritten) {
  EXPECT_EQ(written(), 6);
  expect_failure(cache({"max_regions=3"}), 2, {"records.regions", "--overwrite"});
  EXPECT_EQ(written({"points_per_batch=3"}), 0);  // changes no mask
  EXPECT_EQ(written({"max_regions=3", "--overwrite"}), 6);
}

TEST_F(DataCacheTest, AnInterruptedRunContinues) {
  std::vector<std::string> slow = cache({"points_per_side=48"});
  const fs::path folder = folder_ / "w/records.regions";
  const auto entries = [&] {
    std::vector<std::string> names;
    std::error_code not_there;  // or gone again: the program tries whether it can be made
    for (const auto& entry : fs::directory_iterator(folder, not_there)) {
      const std::string name = entry.path().filename().string();
      if (name != "settings.json" && name[0] != '.') names.push_back(name);  // it is whole
    }
    return names;
  };
  const auto has_entry = [&](pid_t) { return !entries().empty(); };
  const Finished first = run_until(has_entry, SIGINT, slow, folder_);
  EXPECT_EQ(first.status, 130) << first.err;
  const std::vector<std::string> kept = entries();
  EXPECT_LT(kept.size(), 6U);
  for (const std::string& name : kept) {
    EXPECT_TRUE(nlohmann::json::accept(read_file(folder / name))) << name;
  }
  slow.push_back("--json");
  const Finished second = run(slow);
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(nlohmann::json::parse(second.out)["written"], 6 - kept.size());
  EXPECT_EQ(names_in(folder).size(), 7U);
}

TEST_F(DataCacheTest, FailuresSayWhatIsWrong) {
  expect_failure({"data", "cache", "--what", "objects", "--data", "w/records.jsonl", "--sam", kSam},
                 2, {"objects"});
  expect_failure({"data", "cache", "--what", "regions", "--data", "none.jsonl", "--sam", kSam}, 4,
                 {"none.jsonl"});
  expect_failure({"data", "cache", "--what", "regions", "--data", "w/records.jsonl", "--sam", "w"},
                 4, {"config.json"});
  expect_failure(cache({"points_per_sid=4"}), 3, {"points_per_sid", "points_per_side"});
  expect_failure(cache({"pred_iou_thresh=2"}), 3, {"pred_iou_thresh"});
  EXPECT_FALSE(fs::exists(folder_ / "w/records.regions"));
}

TEST_F(DataCacheTest, EditTakesRegionsFromSam) {
  const std::vector<std::string> edit = {"edit",
                                         "--model",
                                         kMini,
                                         "--image",
                                         picture("p.png"),
                                         "--instruction",
                                         "What if the ball was pushed?",
                                         "--out",
                                         "o.png",
                                         "--steps",
                                         "1",
                                         "--json"};
  std::vector<std::string> with_sam = edit, source_only = edit;
  with_sam.insert(with_sam.end(), {"--sam", kSam});
  source_only.insert(source_only.end(), {"--region-source", "sam"});
  const Finished result = run(with_sam);
  ASSERT_EQ(result.status, 0) << result.err;
  const nlohmann::json settings = nlohmann::json::parse(result.out)["settings"];
  EXPECT_EQ(settings["region_source"], "sam");
  EXPECT_EQ(settings["sam_sha256"].get<std::string>().size(), 64U);
  expect_failure(source_only, 2, {"--sam"});
}

}  // namespace
}  // namespace reasonbrain::cli
