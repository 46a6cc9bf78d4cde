#include "program.h"

#include <nlohmann/json.hpp>

#include "io/jsonl.h"
#include "run_until.h"

namespace reasonbrain::cli {
namespace {

class DataTest : public ProgramTest {
 protected:
  void make_world(const std::string& out, const std::string& seed = "5",
                  const std::string& count = "12") const {
    const Finished world = run(
        {"data", "miniworld", "--out", out, "--split", "val", "--count", count, "--seed", seed});
    ASSERT_EQ(world.status, 0) << world.err;
  }
  void write(const std::string& name, const std::string& text) const {
    write_file_atomic(folder_ / name, text);
  }
  void copy_as_prediction(const std::string& world, const std::string& predictions,
                          const std::string& kind) const {
    fs::create_directories(folder_ / predictions);
    io::for_each_json_line(folder_ / world / "records.jsonl", [&](const nlohmann::json& record,
                                                                  const std::string&, int) {
      fs::copy_file(folder_ / world / record[kind].get<std::string>(),
                    folder_ / predictions / (record["id"].get<std::string>() + ".png"));
    });
  }
};

TEST_F(DataTest, TheSameArgumentsGiveTheSameBytes) {
  make_world("a");
  make_world("b");
  make_world("c", "6");
  EXPECT_EQ(names_in("a"), (std::vector<std::string>{"images", "records.jsonl", "regions"}));
  EXPECT_EQ(names_in("a/images"), names_in("b/images"));
  EXPECT_EQ(read_file(folder_ / "a/records.jsonl"), read_file(folder_ / "b/records.jsonl"));
  for (const std::string& name : names_in("a/images")) {
    EXPECT_EQ(read_file(folder_ / "a/images" / name), read_file(folder_ / "b/images" / name))
        << name;
  }
  EXPECT_NE(read_file(folder_ / "a/records.jsonl"), read_file(folder_ / "c/records.jsonl"));
}

TEST_F(DataTest, CheckAndStatsReadWhatMiniworldWrote) {
  make_world("w");
  EXPECT_EQ(run({"data", "check", "--data", "w/records.jsonl"}).status, 0);
  const Finished stats = run({"data", "stats", "--data", "w/records.jsonl", "--json"});
  EXPECT_EQ(stats.status, 0);
  EXPECT_EQ(nlohmann::json::parse(stats.out)["records"], 12);
}

TEST_F(DataTest, MiniworldReplacesItsOwnFolderOnly) {
  make_world("w", "1", "6");
  make_world("w", "2", "6");
  write("w/notes.txt", "mine");
  expect_failure(
      {"data", "miniworld", "--out", "w", "--split", "val", "--count", "3", "--seed", "1"}, 2,
      {"notes.txt"});
  EXPECT_TRUE(fs::exists(folder_ / "w/records.jsonl"));
  write("file", "x");
  expect_failure(
      {"data", "miniworld", "--out", "file/w", "--split", "val", "--count", "3", "--seed", "1"}, 1,
      {"file/w"});
}

TEST_F(DataTest, BadRecordsAreStatus4WithTheirLine) {
  picture("p.png");
  const auto expect = [&](const std::string& text, const std::vector<std::string>& words) {
    write("r.jsonl", text);
    expect_failure({"data", "check", "--data", "r.jsonl"}, 4, words);
  };
  const std::string good =
      R"({"id": "a", "category": "physical", "src_image": "p.png", "instruction": "x"})";
  write("r.jsonl", "\xef\xbb\xbf" + good + "\r\n");
  EXPECT_EQ(run({"data", "check", "--data", "r.jsonl"}).status, 0);
  expect("", {"r.jsonl"});
  expect(good + "\n{broken\n", {"r.jsonl:2"});
  expect(good + "\n" + good + "\n", {"r.jsonl:2", "a"});
  expect(R"({"id": "../a", "category": "physical", "src_image": "p.png", "instruction": "x"})",
         {"r.jsonl:1"});
  expect(R"({"id": "a", "category": "physical", "src_image": "/etc/passwd", "instruction": "x"})",
         {"r.jsonl:1"});
  expect(R"({"id": "a", "category": "physical", "src_image": "../p.png", "instruction": "x"})",
         {"r.jsonl:1"});
  expect(R"({"id": "a", "category": "physical", "src_image": "none.png", "instruction": "x"})",
         {"none.png"});
  write("bad.png", "\x89PNG\r\n\x1a\nrubbish");
  expect(R"({"id": "a", "category": "physical", "src_image": "bad.png", "instruction": "x"})",
         {"bad.png"});
  expect_failure({"data", "check", "--data", "nowhere.jsonl"}, 4, {"nowhere.jsonl"});
}

TEST_F(DataTest, EvaluationWritesItsFilesWithEveryAnchor) {
  make_world("w", "3", "24");
  copy_as_prediction("w", "right", "tgt_image");
  copy_as_prediction("w", "same", "src_image");
  const Finished eval = run({"eval", "run", "--data", "w/records.jsonl", "--pred", "right=right",
                             "--pred", "same=same", "--protocol", "miniworld", "--out", "report",
                             "--resamples", "200", "--json"});
  ASSERT_EQ(eval.status, 0) << eval.err;
  const auto summary = nlohmann::json::parse(read_file(folder_ / "report/summary.json"));
  EXPECT_EQ(nlohmann::json::parse(eval.out), summary);
  for (const char* method : {"right", "same", "copy", "oracle", "blend", "random"}) {
    ASSERT_TRUE(summary.contains(method)) << method;
    for (const char* key :
         {"rule", "rule_confident", "margin", "attr", "keep", "progress", "n", "n_failed"}) {
      EXPECT_TRUE(summary[method]["macro"].contains(key)) << key;
    }
  }
  for (const char* key : {"rule", "rule_confident", "margin", "attr"})
    EXPECT_EQ(summary["right"]["macro"][key], 1.0) << key;
  EXPECT_EQ(summary["right"]["macro"]["keep"], 10.0);
  EXPECT_EQ(summary["right"]["macro"]["n"], 24);
  EXPECT_EQ(summary["same"]["macro"]["rule"], summary["copy"]["macro"]["rule"]);
  EXPECT_TRUE(summary["right"].contains("melt"));
  EXPECT_EQ(names_in("report"),
            (std::vector<std::string>{"images", "index.html", "per_sample.jsonl", "summary.csv",
                                      "summary.json", "tables.md", "tables.tex"}));
}

TEST_F(DataTest, MissingPredictionsAreCountedUpToMaxFail) {
  make_world("w", "3", "12");
  copy_as_prediction("w", "right", "tgt_image");
  fs::remove(*fs::directory_iterator(folder_ / "right"));
  std::vector<std::string> command = {"eval",   "run",         "--data",      "w/records.jsonl",
                                      "--pred", "right=right", "--protocol",  "miniworld",
                                      "--out",  "report",      "--resamples", "10"};
  expect_failure(command, 4, {"1 of 12", "--max-fail"});
  EXPECT_FALSE(fs::exists(folder_ / "report"));
  command.insert(command.end(), {"--max-fail", "0.1", "--json"});
  const Finished eval = run(command);
  EXPECT_EQ(eval.status, 0) << eval.err;
  EXPECT_EQ(nlohmann::json::parse(eval.out)["right"]["macro"]["n_failed"], 1);
}

TEST_F(DataTest, AnInterruptLeavesNothingBehind) {
  const auto has_begun = [&](pid_t) { return !names_in(".").empty(); };
  const Finished world = run_until(
      has_begun, SIGINT,
      {"data", "miniworld", "--out", "big", "--split", "val", "--count", "200000", "--seed", "5"},
      folder_);
  EXPECT_EQ(world.status, 130) << world.err;
  EXPECT_TRUE(names_in(".").empty());
}

}  // namespace
}  // namespace reasonbrain::cli
