// Batches of edits into one folder: what is kept, what is refused, what is made again.
#include <nlohmann/json.hpp>

#include "program.h"

namespace reasonbrain::cli {
namespace {

const std::string kModel = std::string(RB_SOURCE_DIR) + "/models/mini";

class EditBatchTest : public ProgramTest {
 protected:
  void SetUp() override {
    if (!fs::exists(kModel + "/model_index.json")) GTEST_SKIP() << "no " << kModel;
    picture("p.png");
  }
  // A line of a JSONL file.
  static std::string record(const std::string& id,
                            const std::string& instruction = "What if it froze?") {
    return str(R"({"id": ")", id, R"(", "src_image": "p.png", "instruction": ")", instruction,
               "\"}\n");
  }
  static std::vector<std::string> batch(const std::string& data,
                                        const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"edit", "--model", kModel, "--data", data, "--out", "pred"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void expect_done(const std::vector<std::string>& command, const std::string& counts) const {
    const Finished done = run(command);
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(done.out.substr(0, done.out.find(", in")), counts) << join(command, " ");
  }
};

TEST_F(EditBatchTest, PicturesOfOtherSettingsAreNotTakenForWhatTheFolderHolds) {
  write_file_atomic(folder_ / "a.jsonl", record("a"));
  write_file_atomic(folder_ / "b.jsonl", record("b"));
  expect_done(batch("a.jsonl", {"--steps", "1"}), "1 records edited, 0 kept");
  expect_done(batch("b.jsonl", {"--steps", "2", "--overwrite"}), "1 records edited, 0 kept");
  expect_failure(batch("a.jsonl", {"--steps", "2"}), 2,
                 {"a.png", "is of another record", "a.jsonl:1", "settings.json", "--overwrite"});
  expect_done(batch("a.jsonl", {"--steps", "2", "--overwrite"}), "1 records edited, 0 kept");
  for (const char* data : {"a.jsonl", "b.jsonl"})
    expect_done(batch(data, {"--steps", "2"}), "0 records edited, 1 kept");
}

TEST_F(EditBatchTest, RecordsOfOtherRunsAreTakenOver) {
  write_file_atomic(folder_ / "a.jsonl", record("a"));
  write_file_atomic(folder_ / "b.jsonl", record("b"));
  expect_done(batch("a.jsonl"), "1 records edited, 0 kept");
  expect_done(batch("b.jsonl"), "1 records edited, 0 kept");
  expect_done(batch("a.jsonl"), "0 records edited, 1 kept");  // its entry is still there
  nlohmann::json settings = nlohmann::json::parse(read_file(folder_ / "pred/settings.json"));
  EXPECT_EQ(settings.at("records").size(), 2u);
  settings.erase("records");
  write_file_atomic(folder_ / "pred/settings.json", settings.dump());
  // Without them nobody knows of which records the pictures are.
  expect_failure(batch("a.jsonl"), 2, {"a.png", "unknown records", "settings.json", "--overwrite"});
  expect_done(batch("a.jsonl", {"--overwrite"}), "1 records edited, 0 kept");
}

TEST_F(EditBatchTest, ALinkIsWrittenThrough) {
  fs::create_directories(folder_ / "disk");
  fs::create_symlink("disk/real.png", folder_ / "link.png");  // there is nothing yet
  const Finished done = run({"edit", "--model", kModel, "--image", "p.png", "--instruction",
                             "What if it froze?", "--out", "link.png"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.png"));
  EXPECT_TRUE(fs::is_regular_file(folder_ / "disk/real.png"));
}

TEST_F(EditBatchTest, ARecordKeepsItsPictureUntilItChanges) {
  const auto write = [&](const std::string& records) {
    write_file_atomic(folder_ / "r.jsonl", records);
  };
  write(record("a"));
  expect_done(batch("r.jsonl"), "1 records edited, 0 kept");
  write(record("b") + record("a"));
  expect_done(batch("r.jsonl"), "1 records edited, 1 kept");
  expect_done(batch("r.jsonl"), "0 records edited, 2 kept");
  write(record("b") + record("a", "What if it rained?"));
  expect_failure(batch("r.jsonl"), 2, {"a.png", "is of another record", "r.jsonl:2"});
  expect_done(batch("r.jsonl", {"--overwrite"}), "2 records edited, 0 kept");
  picture("p.png", 40, 40);
  expect_failure(batch("r.jsonl"), 2, {"b.png", "r.jsonl:1"});
}

TEST_F(EditBatchTest, NoResultTakesThePlaceOfAPictureOfTheRecords) {
  fs::create_directories(folder_ / "pred");
  fs::copy_file(folder_ / "p.png", folder_ / "pred/b.png");
  write_file_atomic(folder_ / "r.jsonl",
                    record("a") + R"({"id": "b", "src_image": "pred/b.png", "instruction": "Go"})");
  const std::string before = read_file(folder_ / "pred/b.png");
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--overwrite"}})
    expect_failure(batch("r.jsonl", more), 2, {"pred/b.png", "r.jsonl", "--out"});
  EXPECT_EQ(names_in("pred"), std::vector<std::string>{"b.png"});
  EXPECT_EQ(read_file(folder_ / "pred/b.png"), before);
}

}  // namespace
}  // namespace reasonbrain::cli
