// `model import` and `model verify` on small weights in foreign layouts.
#include <nlohmann/json.hpp>

#include "program.h"

namespace reasonbrain::cli {
namespace {

const fs::path kModels = fs::path(RB_SOURCE_DIR) / "tests/models/data";
const fs::path kPickles = fs::path(RB_SOURCE_DIR) / "tests/io/data/torch";

class ModelImportTest : public ProgramTest {
 protected:
  std::string sha(const std::string& path) const {
    const Finished done = run({"model", "verify", path, "--json"});
    EXPECT_EQ(done.status, 0) << done.err;
    return nlohmann::json::parse(done.out)["weights"][0]["sha256"];
  }
};

TEST_F(ModelImportTest, ALayoutGoesThereAndBack) {
  const fs::path source = kModels / "qformer/layout-00";
  const std::vector<std::string> from = {"--from", (source / "model.ckpt").string(), "--config",
                                         (source / "config.json").string()};
  const auto import = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"model", "import", "qformer"});
    const Finished done = run(options);
    EXPECT_EQ(done.status, 0) << done.err;
  };
  import({from[0], from[1], from[2], from[3], "--out", "hf", "--dtype", "float32"});
  import({"--from", "hf", "--out", "lavis", "--layout", "original"});
  import({"--from", "lavis", "--out", "again"});
  EXPECT_EQ(sha("hf"), sha("again"));
  EXPECT_NE(sha("hf"), sha("lavis"));
  EXPECT_EQ(run({"model", "verify", "lavis", "--as", "qformer"}).status, 0);
  EXPECT_EQ(run({"model", "verify", "hf", "--against", "again"}).status, 0);
  expect_failure({"model", "verify", "hf", "--against", "lavis"}, 4, {"no tensor"});
  expect_failure({"model", "verify", "hf", "--sha256", "00"}, 4, {"sha256", "expected 00"});
  expect_failure({"model", "verify", "hf", "--as", "unet"}, 4, {"config.json"});
}

TEST_F(ModelImportTest, WhatStandsBesideAFileIsCopied) {
  for (const char* name : {"model.ckpt", "config.json"})
    fs::copy_file(kModels / "qformer/layout-00" / name, folder_ / name);
  write_file_atomic(folder_ / "tokenizer.json", "{}");
  const Finished done = run({"model", "import", "qformer", "--from", "model.ckpt", "--out", "out"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(fs::exists(folder_ / "out/tokenizer.json"));
}

TEST_F(ModelImportTest, AFolderWithAPickleAloneIsVerified) {
  EXPECT_EQ(run({"model", "verify", (kModels / "qformer/layout-00").string()}).status, 0);
}

TEST_F(ModelImportTest, OptionsThatWouldBeIgnoredOrCountTwiceAreStatus2) {
  const auto expect = [&](std::vector<std::string> more, const std::vector<std::string>& words) {
    more.insert(more.begin(), {"model", "import", "--out", "out"});
    expect_failure(more, 2, words);
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  };
  const std::vector<std::string> ignored[] = {{"--dtype", "float16"},
                                              {"--layout", "original"},
                                              {"--lora", "x"},
                                              {"--adapter", "peft"},
                                              {"--config", "x"}};
  for (const auto& option : ignored) {
    expect({"llava", "--from", "delta", "--delta-of", "base", option[0], option[1]},
           {option[0], "--delta-of"});
  }
  expect({"unet", "--from", "delta", "--delta-of", "base"}, {"llava only"});
  const std::string from = (kModels / "unet/adapter-00").string();
  expect({"unet", "--from", from, "--lora", from + "/adapter"}, {"--lora", "is used anyway"});
  expect({"unet", "--from", from, "--lora", from + "/adapter/adapter_model.safetensors:0.5"},
         {"--lora", "is used anyway"});
}

TEST_F(ModelImportTest, ALoraTakesOneValue) {
  expect_failure({"model", "import", "--from", "none", "--out", "out", "--lora", "x", "llama"}, 4,
                 {"none"});
}

TEST_F(ModelImportTest, WhatCannotBeImported) {
  const std::string config = (kModels / "unet/layout-00/config.json").string();
  const auto expect = [&](const std::string& file, const std::string& word) {
    expect_failure({"model", "import", "unet", "--from", (kPickles / file).string(), "--config",
                    config, "--out", "out"},
                   4, {word});
  };
  expect("foreign.pt", "torch.nn.modules.activation.ReLU");
  expect("legacy.pth", "before 1.6");
  expect("views.pt", "missing");
  expect("none.pt", "does not exist");
  expect_failure({"model", "import", "gpt", "--from", ".", "--out", "out"}, 2, {"gpt", "unet"});
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

}  // namespace
}  // namespace reasonbrain::cli
