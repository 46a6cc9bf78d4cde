// Configurations that start from the weights of another model.
#include <nlohmann/json.hpp>

#include "program.h"

namespace reasonbrain::cli {
namespace {

const std::string kModel = std::string(RB_SOURCE_DIR) + "/models/mini";

class InitFromTest : public ProgramTest {
 protected:
  void SetUp() override {
    if (!fs::exists(kModel + "/model_index.json")) GTEST_SKIP() << "no " << kModel;
    write_file_atomic(folder_ / "c.yaml", "train: {batch_size: 2}\n");
  }
  static std::vector<std::string> config(const std::string& command,
                                         const std::vector<std::string>& overrides) {
    std::vector<std::string> all = {"config", command, "--config", "c.yaml"};
    all.insert(all.end(), overrides.begin(), overrides.end());
    return all;
  }
  const std::string from_ = "init_from=" + kModel;
};

TEST_F(InitFromTest, AConfigurationIsCheckedAgainstTheModelThatItStartsFrom) {
  const Finished check = run(config("check", {from_, "model.reason.width=96"}));
  EXPECT_EQ(check.status, 0) << check.err;
  for (const char* key : {"model.reason.width", "model.llm.num_attention_heads",
                          "model.vision.hidden_size", "model.unet.norm_num_groups"}) {
    for (const char* command : {"check", "show"})
      expect_failure(config(command, {from_, str(key, "=5")}), 3, {str(key, " is 5"), "init_from"});
  }
  expect_failure(config("check", {"init_from=there"}), 4, {"no such folder", "there"});
}

TEST_F(InitFromTest, TheModelThatItStartsFromIsShown) {
  const std::string show = run(config("show", {from_})).out;
  for (const char* value : {"preset: mini", "picture_side: 64", "vocab_size: 736"})
    EXPECT_NE(show.find(value), std::string::npos) << value << '\n' << show;
}

TEST_F(InitFromTest, TheIndexOfTheModelIsCheckedAsWhenItIsLoaded) {
  fs::copy(kModel, folder_ / "model", fs::copy_options::recursive);
  const fs::path index = folder_ / "model/model_index.json";
  const auto good = nlohmann::json::parse(read_file(index));
  const auto expect = [&](const nlohmann::json& change, const std::string& word) {
    nlohmann::json bad = good;
    bad.merge_patch(change);
    write_file_atomic(index, bad.dump());
    expect_failure(config("check", {"init_from=model"}), 4, {"model_index.json", word});
  };
  expect({{"_class_name", 5}}, "_class_name");
  expect({{"format_version", 2}}, "format_version");
  expect({{"parts", {{"llm", {{"frozen", "yes"}}}}}}, "frozen");
  expect({{"parts", {{"text", nullptr}}}}, "text");
}

TEST_F(InitFromTest, DataThatIsNotThereIsToldBeforeTheWeightsAreRead) {
  fs::copy(kModel, folder_ / "model", fs::copy_options::recursive);
  write_file_atomic(folder_ / "model/reason/model.safetensors", "damaged");
  expect_failure({"train", "--config", "c.yaml", "init_from=model", "data.source=records",
                  "data.records=none.jsonl", "train.steps=1"},
                 4, {"none.jsonl"});
}

TEST_F(InitFromTest, ARunWithoutStagesIsLengthenedFromItsOwnConfiguration) {
  const Finished first =
      run({"train", "--config", "mini", "--run", "run", "train.stages=[]", "train.steps=1",
           "train.batch_size=2", "train.eval_every=0", "train.sample_every=0"});
  ASSERT_EQ(first.status, 0) << first.err;
  const Finished longer =
      run({"train", "--config", "run/config.resolved.yaml", "--run", "run", "train.steps=2"});
  EXPECT_EQ(longer.status, 0) << longer.err;
  EXPECT_EQ(names_in("run/checkpoints").back(), "step-000002");
}

}  // namespace
}  // namespace reasonbrain::cli
