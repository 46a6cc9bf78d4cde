// Training through the program: what a run folder holds, what the configuration decides, signals.
#include <nlohmann/json.hpp>
#include <set>

#include "run_until.h"

namespace reasonbrain::cli {
namespace {

class TrainTest : public ProgramTest {
 protected:
  // The mini model, one step of two samples in each stage.
  static std::vector<std::string> short_run(const std::string& folder,
                                            const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {
        "train",
        "--config",
        "mini",
        "--run",
        folder,
        "train.stages=[{name: reasoner, steps: 1}, {name: painter, steps: 1}, {name: joint, "
        "steps: 1}]",
        "train.batch_size=2",
        "train.log_every=1",
        "train.eval_every=0",
        "train.sample_every=0",
        "data.workers=2",
        "data.prefetch=1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<nlohmann::json> metrics(const std::string& folder) const {
    std::vector<nlohmann::json> lines;
    for (const std::string& line : split(read_file(folder_ / folder / "metrics.jsonl"), '\n')) {
      if (!line.empty()) lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
  }
};

TEST_F(TrainTest, EveryLineHasEveryFieldAndTheEnvironmentIsKnown) {
  const Finished train = run(short_run("run"));
  ASSERT_EQ(train.status, 0) << train.err;
  const auto lines = metrics("run");
  ASSERT_EQ(lines.size(), 3u);
  for (const nlohmann::json& line : lines) {
    for (const char* key :
         {"step", "epoch", "samples_seen", "loss", "lr", "grad_norm", "samples_per_second",
          "seconds_per_step", "data_wait_seconds", "peak_memory_bytes"}) {
      EXPECT_TRUE(line.contains(key) && line[key].is_number()) << key << " in " << line;
    }
    EXPECT_EQ(line.at("loss_mllm").is_null(), line["stage"] == "painter") << line;
    EXPECT_EQ(line.at("loss_dm").is_null(), line["stage"] == "reasoner") << line;
  }
  const auto env = nlohmann::json::parse(read_file(folder_ / "run/env.json"));
  for (const char* key :
       {"git_id", "git_dirty", "libtorch", "data_hash", "seed", "data_workers", "reasonbrain"}) {
    EXPECT_TRUE(env.contains(key)) << key;
  }
  for (const char* library : {"libtorch", "opencv", "sentencepiece", "yaml-cpp"}) {
    EXPECT_TRUE(env["libraries"].contains(library)) << library;
    EXPECT_NE(env["libraries"][library], "not loaded") << library;
  }
  EXPECT_EQ(names_in("run/tb").size(), 1u);
}

TEST_F(TrainTest, TheConfigurationDecidesWhatOfALoadedModelLearns) {
  ASSERT_EQ(run(short_run("first")).status, 0);
  const auto dry_run = [&](const std::string& mode) {
    std::vector<std::string> command = short_run(
        "next", {"--dry-run", "init_from=first", "model.parts.vision.train=" + mode,
                 "model.parts.text.train=" + mode, "train.stages=[{name: joint, steps: 1}]"});
    const Finished finished = run(command);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  };
  EXPECT_NE(dry_run("full"), dry_run("frozen"));
  const Finished train = run(
      short_run("lora", {"init_from=first", "model.parts.llm.train=lora",
                         "model.parts.llm.lora.rank=3", "train.stages=[{name: joint, steps: 1}]"}));
  ASSERT_EQ(train.status, 0) << train.err;
  EXPECT_TRUE(
      fs::exists(folder_ / "lora/checkpoints/step-000001/model/llm/adapter/adapter_config.json"));
  expect_failure(
      short_run("other", {"init_from=lora", "model.parts.llm.train=lora",
                          "model.parts.llm.lora.rank=4", "train.stages=[{name: joint, steps: 1}]"}),
      3, {"rank is 4", "rank 3"});
}

TEST_F(TrainTest, AModelToStartFromBringsItsOwnOptions) {
  const auto next = [&](const std::string& override) {
    return short_run(
        "next",
        {"--dry-run", std::string("init_from=") + RB_SOURCE_DIR + "/models/mini", override});
  };
  expect_failure(next("model.reason.cme.mode=plain"), 3, {"model.reason.cme.mode", "init_from"});
  expect_failure(next("model.inference.steps=9"), 3, {"model.inference.steps is 9", "has 2"});
  const Finished same = run(next("model.inference.steps=2"));
  EXPECT_EQ(same.status, 0) << same.err;
}

TEST_F(TrainTest, AnInterruptSavesACheckpointAndEndsWith130) {
  const auto has_stepped = [&](pid_t) { return fs::exists(folder_ / "run/metrics.jsonl"); };
  const Finished train = run_until(
      has_stepped, SIGINT,
      short_run("run",
                {"train.stages=[{name: reasoner, steps: 100000}]", "train.save_every=90000"}),
      folder_);
  EXPECT_EQ(train.status, 130) << train.err;
  const std::vector<std::string> checkpoints = names_in("run/checkpoints");
  ASSERT_EQ(checkpoints.size(), 1u);
  EXPECT_EQ(checkpoints[0].substr(0, 5), "step-") << "something half-written";
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoints" / checkpoints[0] / "COMPLETE"));
  const Finished info = run({"model", "info", "--model", "run"});
  EXPECT_EQ(info.status, 0) << info.err;
}

TEST_F(TrainTest, AnotherModelDoesNotGoOnWithARun) {
  ASSERT_EQ(run(short_run("run")).status, 0);
  expect_failure(short_run("run", {"model.reason.idc.max_objects=2"}), 3,
                 {"model.reason.idc.max_objects", "3", "2"});
  const Finished again = run(short_run("run", {"model.inference.steps=3"}));
  EXPECT_EQ(again.status, 0) << again.err;
}

TEST_F(TrainTest, ARecordThatCannotBeLearnedFromIsToldBeforeTheFirstStep) {
  picture("p.png");
  const auto record = [](const std::string& instruction, const std::string& more) {
    return str(R"({"id": "a", "src_image": "p.png", "instruction": ")", instruction, "\"", more,
               "}\n");
  };
  const std::string target = R"(, "tgt_image": "p.png")";
  std::string longer = "What if";
  for (int i = 0; i < 200; ++i) longer += " it";
  const std::pair<std::string, std::string> cases[] = {
      {record(longer, target), "tokens"},
      {record("What if it froze?", ""), "tgt_image"},
      {record("What if it froze?", target + R"(, "answer": ["supercalifragilistic"])"),
       "supercalifragilistic"},
      {record("What if it froze?", R"(, "tgt_image": "none.png")"), "none.png"}};
  for (const auto& [line, word] : cases) {
    write_file_atomic(folder_ / "r.jsonl", line);
    expect_failure(short_run("run", {"data.source=records", "data.records=r.jsonl"}), 4,
                   {"r.jsonl:1", word});
    EXPECT_FALSE(fs::exists(folder_ / "run"));
  }
}

TEST_F(TrainTest, AFolderThatCannotBeWrittenIsStatus1) {
  write_file_atomic(folder_ / "file", "x");
  expect_failure(short_run("file/run"), 1, {"file/run", "--run"});
}

TEST_F(TrainTest, ACheckpointWithoutCompleteIsPassedOverOrStatus4) {
  ASSERT_EQ(run(short_run("run")).status, 0);
  const fs::path newest = folder_ / "run/checkpoints/step-000003";
  fs::remove(newest / "COMPLETE");
  expect_failure({"model", "info", "--model", newest.string()}, 4, {"COMPLETE"});
  std::vector<std::string> named = short_run("run", {"--resume", newest.string()});
  expect_failure(named, 4, {"step-000003"});
  const Finished again = run(short_run("run"));
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.err.find("step-000003"), std::string::npos) << again.err;
  EXPECT_TRUE(fs::exists(newest / "COMPLETE"));
  EXPECT_EQ(metrics("run").size(), 3u);
}

}  // namespace
}  // namespace reasonbrain::cli
