#include "program.h"

#include <nlohmann/json.hpp>

namespace reasonbrain::cli {
namespace {

class ConfigTest : public ProgramTest {
 protected:
  void expect_bad(const std::string& yaml, const std::vector<std::string>& words) const {
    write_file_atomic(folder_ / "c.yaml", yaml);
    expect_failure({"config", "check", "--config", "c.yaml"}, 3, words);
  }
};

TEST_F(ConfigTest, EveryOptionHasHelp) {
  const Finished options = run({"config", "options", "--json"});
  ASSERT_EQ(options.status, 0) << options.err;
  const auto rows = nlohmann::json::parse(options.out)["options"];
  EXPECT_GT(rows.size(), 100u);
  for (const auto& row : rows) EXPECT_NE(row["help"], "") << row["path"];
}

TEST_F(ConfigTest, ToolsCanRelyOnTheseKeys) {
  const std::string options = run({"config", "options"}).out;
  for (const char* key :
       {"train.steps", "train.save_every", "train.log_every", "train.eval_every",
        "train.sample_every", "train.batch_size", "data.workers", "data.prefetch", "seed"}) {
    EXPECT_NE(options.find(std::string(key) + " = "), std::string::npos) << key;
  }
}

TEST_F(ConfigTest, ShowResolvesOverlaysAndOverrides) {
  write_file_atomic(folder_ / "a.yaml", "seed: 1\ntrain: {steps: 10, log_every: 3}\n");
  write_file_atomic(folder_ / "b.yaml", "train: {steps: 20}\n");
  const Finished show =
      run({"config", "show", "--config", "a.yaml", "--config", "b.yaml", "train.log_every=7"});
  ASSERT_EQ(show.status, 0) << show.err;
  EXPECT_NE(show.out.find("steps: 20"), std::string::npos);
  EXPECT_NE(show.out.find("log_every: 7"), std::string::npos);
  write_file_atomic(folder_ / "resolved.yaml", show.out);
  EXPECT_EQ(run({"config", "show", "--config", "resolved.yaml"}).out, show.out);
  const Finished diff = run({"config", "diff", "a.yaml", "b.yaml"});
  EXPECT_EQ(diff.status, 0);
  EXPECT_NE(diff.out.find("train.steps: 10 -> 20"), std::string::npos) << diff.out;
}

// Not the model of full size that the defaults of all options together would make.
TEST_F(ConfigTest, WhatSaysNothingOfTheModelIsLaidOverThePresetMini) {
  const std::string mini = run({"config", "show", "--config", "mini"}).out;
  ASSERT_NE(mini.find("preset: mini"), std::string::npos);
  for (const char* yaml : {"", "# nothing\n", "model:\n", "model: {}\n", "seed: 1\n"}) {
    write_file_atomic(folder_ / "c.yaml", yaml);
    EXPECT_EQ(run({"config", "show", "--config", "c.yaml"}).out, mini) << yaml;
  }
  write_file_atomic(folder_ / "c.yaml", "train: {batch_size: 3}\n");
  EXPECT_EQ(
      run({"config", "show", "--config", "c.yaml", "model.reason.width=64"}).out,
      run({"config", "show", "--config", "mini", "train.batch_size=3", "model.reason.width=64"})
          .out);
}

TEST_F(ConfigTest, AnInstalledProgramReadsItsOwnConfigurations) {
  const fs::path prefix = folder_ / "tree/opt/prefix";  // below a folder that has other ones
  fs::create_directories(folder_ / "tree/configs");
  fs::create_directories(prefix / "bin");
  fs::create_directories(prefix / "share/reasonbrain");
  fs::copy(fs::path(RB_SOURCE_DIR) / "configs", prefix / "share/reasonbrain/configs",
           fs::copy_options::recursive);
  fs::copy_file(RB_BINARY, prefix / "bin/reasonbrain");
  const std::string command =
      str("env -u REASONBRAIN_HOME '", (prefix / "bin/reasonbrain").string(),
          "' config check --config mini > /dev/null");
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_F(ConfigTest, MistakesAreStatus3WithTheirPlace) {
  expect_bad("train:\n  stpes: 10\n", {"c.yaml:2", "stpes", "train.steps"});
  expect_bad("train: {steps: many}\n", {"c.yaml:1", "steps"});
  expect_bad("train: {steps: -5}\n", {"c.yaml:1", "steps"});
  expect_bad("train: {beta1: .nan}\n", {"c.yaml:1", "beta1"});
  expect_bad("seed: 1\nseed: 2\n", {"c.yaml:2", "seed"});
  expect_bad("seed: [\n", {"c.yaml"});
  expect_bad("include: c.yaml\n", {"c.yaml"});
  expect_bad(
      "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c "
      "[*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: "
      "[*e,*e,*e,*e,*e,*e,*e]\n",
      {"c.yaml"});
  write_file_atomic(folder_ / "c.yaml", "seed: 1\n");
  expect_failure({"config", "check", "--config", "c.yaml", "train.stesp=1"}, 3,
                 {"train.stesp", "train.steps"});
  expect_failure({"config", "check", "--config", "nowhere"}, 3, {"nowhere"});
  expect_failure({"train", "--config", "nowhere", "--dry-run"}, 3, {"nowhere"});
}

TEST_F(ConfigTest, WhatATrainingWouldRefuseIsStatus3) {
  const std::pair<std::string, std::string> cases[] = {
      {"train.stages=[{name: jiont, steps: 3}]", "jiont"},
      {"train.stages=[{name: joint, steps: 3}, {name: joint, steps: 3}]", "listed twice"},
      {"train.stages=[{name: joint, steps: 3, batch_size: 0}]", "batch_size"},
      {"train.stages=[{name: joint, steps: 3, lr: -0.5}]", "lr is -0.5"},
      {"task.reasoner={mllm: 0, labels: 0}", "stage 'reasoner' has nothing to learn"},
      {"task.mix={drop_text: 0.9, drop_both: 0.9}", "drop_both"},
      {"data.validation.split=foo", "foo"},
      {"data.miniworld.scenarios=[foo]", "foo"},
      {"data={source: records, records: ''}", "data.records"},
  };
  for (const auto& [override, word] : cases)
    expect_failure({"config", "check", "--config", "mini", override}, 3, {word});
}

TEST_F(ConfigTest, SizesOfTheModelThatDoNotFitAreStatus3) {
  const std::pair<std::string, std::string> cases[] = {
      {"model.llm.num_attention_heads=5", "num_attention_heads"},
      {"model.llm.num_key_value_heads=3", "num_key_value_heads"},
      {"model.llm.hidden_act=swish2", "swish2"},
      {"model.vision.num_attention_heads=7", "num_attention_heads"},
      {"model.vision.patch_size=128", "patch_size"},
      {"model.text.num_attention_heads=7", "num_attention_heads"},
      {"model.qformer.num_attention_heads=7", "num_attention_heads"},
      {"model.unet.norm_num_groups=7", "norm_num_groups"},
      {"model.scheduler.invert_sigmas=true", "invert_sigmas"},
      {"model.reason.num_heads=5", "num_heads"},
      {"model.reason.frce.layers=[]", "layers"},
      {"model.inference.region_source=sun", "sam"}};
  for (const auto& [override, word] : cases) {
    expect_failure({"config", "check", "--config", "mini", override}, 3, {word});
    expect_failure({"train", "--config", "mini", "--dry-run", override}, 3, {word});
  }
  // Seen when the parts are put together.
  for (const char* override : {"model.reason.frce.layers=[1,2,9]", "model.denoiser.pixel_block=8",
                               "model.unet.in_channels=47"}) {
    expect_failure({"train", "--config", "mini", "--dry-run", override}, 3, {});
  }
  expect_failure({"train", "--config", "mini", "--run", "run", "model.llm.vocab_size=733"}, 3,
                 {"model.llm.vocab_size is 733", "734 tokens"});
  expect_failure({"train", "--config", "mini", "--run", "run", "model.text.vocab_size=917",
                  "model.text.eos_token_id=916"},
                 3, {"model.text.vocab_size is 917", "918 tokens"});
}

}  // namespace
}  // namespace reasonbrain::cli
