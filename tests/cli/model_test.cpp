// With the shipped model: everything an edit promises about bytes and files.
#include "program.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace reasonbrain::cli {
namespace {

// Another model than the shipped one can be put to the test with RB_TEST_MODEL=DIR.
const char* const kOtherModel = std::getenv("RB_TEST_MODEL");
const std::string kModel = kOtherModel ? kOtherModel : std::string(RB_SOURCE_DIR) + "/models/mini";

class ModelTest : public ProgramTest {
 protected:
  void SetUp() override {
    if (!fs::exists(kModel + "/model_index.json")) GTEST_SKIP() << "no " << kModel;
    const Finished world =
        run({"data", "miniworld", "--out", "w", "--split", "val", "--count", "6", "--seed", "11"});
    ASSERT_EQ(world.status, 0) << world.err;
  }
  Finished edit(std::vector<std::string> more) const {
    more.insert(more.begin(), {"edit", "--model", kModel, "--device", "cpu"});
    return run(more);
  }
  std::vector<nlohmann::json> records() const {
    std::vector<nlohmann::json> all;
    for (const std::string& line : split(read_file(folder_ / "w/records.jsonl"), '\n')) {
      if (!line.empty()) all.push_back(nlohmann::json::parse(line));
    }
    return all;
  }
  io::Image image(const fs::path& name) const { return io::read_image(folder_ / name); }
};

TEST_F(ModelTest, ABatchEqualsSinglesAndIsNotRepeated) {
  ASSERT_EQ(edit({"--data", "w/records.jsonl", "--out", "pred", "--seed", "4"}).status, 0);
  for (const nlohmann::json& record : records()) {
    std::vector<std::string> single = {
        "--image",       "w/" + record["src_image"].get<std::string>(),
        "--instruction", record["instruction"],
        "--region",      "w/" + record["instance_map"].get<std::string>(),
        "--seed",        "4",
        "--out",         "one.png"};
    for (const auto& object : record["objects"])
      single.insert(single.end(), {"--object", object.get<std::string>()});
    const Finished one = edit(single);
    ASSERT_EQ(one.status, 0) << one.err;
    EXPECT_EQ(read_file(folder_ / "one.png"),
              read_file(folder_ / "pred" / (record["id"].get<std::string>() + ".png")));
  }
  const fs::path first = folder_ / "pred" / (records()[0]["id"].get<std::string>() + ".png");
  fs::remove(first);
  const Finished again =
      edit({"--data", "w/records.jsonl", "--out", "pred", "--seed", "4", "--json"});
  EXPECT_EQ(nlohmann::json::parse(again.out)["edited"], 1);
  const std::string before = read_file(first);
  const Finished other = edit({"--data", "w/records.jsonl", "--out", "pred", "--seed", "5"});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("--overwrite"), std::string::npos);
  EXPECT_EQ(read_file(first), before);
  EXPECT_EQ(
      edit({"--data", "w/records.jsonl", "--out", "pred", "--seed", "5", "--overwrite"}).status, 0);
  EXPECT_NE(read_file(first), before);
}

TEST_F(ModelTest, NumChainAndSizes) {
  picture("in.png", 100, 37);
  const std::vector<std::string> base = {"--image", "in.png", "--instruction", "What if it rained?",
                                         "--seed",  "1"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return edit(more);
  };
  ASSERT_EQ(with({"--out", "a.png"}).status, 0);
  const Finished three = with({"--out", "b.png", "--num", "3", "--json"});
  ASSERT_EQ(three.status, 0) << three.err;
  EXPECT_EQ(nlohmann::json::parse(three.out)["outputs"].size(), 3u);
  EXPECT_EQ(image("a.png"), image("b-1.png"));
  EXPECT_EQ(image("a.png").width, 100);
  EXPECT_EQ(image("a.png").height, 37);
  EXPECT_FALSE(fs::exists(folder_ / "b.png"));
  ASSERT_EQ(with({"--instruction", "What if the wind blew?", "--out", "c.png"}).status, 0);
  EXPECT_EQ(image("c-step1.png"), image("a.png"));
  ASSERT_EQ(edit({"--image", "c-step1.png", "--instruction", "What if the wind blew?", "--seed",
                  "1", "--out", "d.png"})
                .status,
            0);
  EXPECT_EQ(image("c.png"), image("d.png"));
}

TEST_F(ModelTest, MetadataCanBeLeftOut) {
  picture("in.png");
  ASSERT_EQ(
      edit({"--image", "in.png", "--instruction", "What if it froze?", "--out", "a.png"}).status,
      0);
  ASSERT_EQ(edit({"--image", "in.png", "--instruction", "What if it froze?", "--out", "b.png",
                  "--no-metadata"})
                .status,
            0);
  EXPECT_NE(read_file(folder_ / "a.png").find("What if it froze?"), std::string::npos);
  EXPECT_EQ(read_file(folder_ / "b.png").find("What if it froze?"), std::string::npos);
  EXPECT_EQ(image("a.png"), image("b.png"));
}

TEST_F(ModelTest, ExplainWritesAPage) {
  picture("in.png");
  ASSERT_EQ(edit({"--image", "in.png", "--instruction", "What if it froze?", "--out", "a.png",
                  "--explain", "why"})
                .status,
            0);
  EXPECT_TRUE(fs::exists(folder_ / "why/index.html"));
  const auto json = nlohmann::json::parse(read_file(folder_ / "why/explanation.json"));
  EXPECT_FALSE(json["turns"][0]["expected_outcome"].empty());
}

TEST_F(ModelTest, BadInputsLeaveNoPicture) {
  picture("in.png");
  write_file_atomic(folder_ / "cut.png", read_file(folder_ / "in.png").substr(0, 40));
  write_file_atomic(folder_ / "empty.png", "");
  const auto expect = [&](std::vector<std::string> more, int status,
                          const std::vector<std::string>& words) {
    more.insert(more.begin(), {"edit", "--model", kModel, "--out", "out.png"});
    expect_failure(more, status, words);
    EXPECT_FALSE(fs::exists(folder_ / "out.png"));
  };
  for (const char* name : {"cut.png", "empty.png", "missing.png"}) {
    expect({"--image", name, "--instruction", "What if it froze?"}, 4, {name});
  }
  expect({"--image", "in.png", "--instruction", std::string(100'000, 'a')}, 2,
         {"tokens", "at most"});
  picture("small.png", 5, 5);
  expect({"--image", "in.png", "--instruction", "a", "--region", "small.png"}, 4, {"small.png"});
  expect({"--image", "in.png", "--instruction", "a", "--size", "72"}, 2, {"72"});
  expect({"--image", "in.png", "--instruction", "a", "--device", "tpu"}, 2, {"tpu"});
  expect_failure({"edit", "--model", kModel, "--image", "in.png", "--instruction", "a", "--out",
                  "in.png/out.png"},
                 1, {"in.png/out.png"});
}

TEST_F(ModelTest, EveryRecordIsCheckedBeforeTheFirstEdit) {
  picture("p.png");
  const std::string good =
      R"({"id": "a", "category": "physical", "src_image": "p.png", "instruction": "x"})";
  const std::string bad =
      R"({"id": "b", "category": "physical", "src_image": "p.png", "instruction": ")" +
      std::string(5000, 'z') + "\"}";
  write_file_atomic(folder_ / "r.jsonl", good + "\n" + bad + "\n");
  expect_failure({"edit", "--model", kModel, "--data", "r.jsonl", "--out", "pred"}, 4,
                 {"r.jsonl:2", "tokens"});
  EXPECT_FALSE(fs::exists(folder_ / "pred"));
}

TEST_F(ModelTest, InfoAndTokenize) {
  const Finished info = run({"model", "info", "--model", kModel, "--json"});
  ASSERT_EQ(info.status, 0) << info.err;
  EXPECT_GT(nlohmann::json::parse(info.out)["parameters"]["total"], 100'000);
  const Finished ids =
      run({"tokenize", "--tokenizer", kModel + "/llm"}, "What if it rained?\nWhat\r\n\nlast");
  ASSERT_EQ(ids.status, 0) << ids.err;
  EXPECT_EQ(split(trim(ids.out), '\n').size(), 4u);
  const Finished text =
      run({"tokenize", "--tokenizer", kModel + "/llm", "--decode"}, split(ids.out, '\n')[0] + "\n");
  EXPECT_EQ(trim(text.out), "What if it rained?");
  expect_failure({"tokenize", "--tokenizer", kModel + "/llm", "--decode"}, 4, {"stdin:1"},
                 "[1, 999999999]x\n");
}

TEST_F(ModelTest, VerifyFindsTheModelOfARun) {
  fs::create_directories(folder_ / "run/checkpoints/step-5");
  fs::copy(kModel, folder_ / "run/checkpoints/step-5/model", fs::copy_options::recursive);
  expect_failure({"model", "verify", "run/checkpoints/step-5"}, 4, {"incomplete"});
  expect_failure({"model", "verify", "run"}, 4, {"complete checkpoint"});
  write_file_atomic(folder_ / "run/checkpoints/step-5/COMPLETE", "");
  const std::string parts = run({"model", "verify", kModel}).out;
  const auto count = [](const std::string& out) {
    return std::count(out.begin(), out.end(), '\n');
  };
  for (const char* path : {"run", "run/checkpoints/step-5"}) {
    const Finished found = run({"model", "verify", path});
    EXPECT_EQ(found.status, 0) << found.err;
    EXPECT_EQ(count(found.out), count(parts)) << found.out;
  }
  expect_failure({"model", "verify", "run", "--sha256", "00"}, 2, {"one part", "/denoiser"});
}

TEST_F(ModelTest, InfoAndExportRefuseWhatTheyWouldIgnoreOrReplace) {
  expect_failure({"model", "info", "--model", kModel, "--dtype", "float16"}, 2,
                 {"--dtype", "--config"});
  expect_failure({"model", "info", "--config", "mini", "--dtype", "foo"}, 2, {"--dtype", "foo"});
  expect_failure({"model", "export", "--model", kModel, "--out", "new", "--dtype", "foo"}, 2,
                 {"--dtype", "foo"});
  fs::create_directories(folder_ / "there");
  expect_failure({"model", "export", "--model", kModel, "--out", "there"}, 2, {"there", "exists"});
}

TEST_F(ModelTest, DamagedModelsAreStatus4) {
  fs::copy(kModel, folder_ / "model", fs::copy_options::recursive);
  const fs::path weights = folder_ / "model/reason/model.safetensors";
  const std::string bytes = read_file(weights);
  picture("in.png");
  const std::vector<std::string> command = {
      "edit", "--model", "model", "--image", "in.png", "--instruction", "a", "--out", "out.png"};
  write_file_atomic(weights, bytes.substr(0, bytes.size() / 2));
  expect_failure(command, 4, {"model.safetensors"});
  write_file_atomic(weights, bytes);
  write_file_atomic(folder_ / "model/model_index.json", "{");
  expect_failure(command, 4, {"model_index.json"});
  fs::remove_all(folder_ / "model");
  expect_failure(command, 4, {"model"});
}

}  // namespace
}  // namespace reasonbrain::cli
