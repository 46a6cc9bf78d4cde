// Hostile and unlucky surroundings: one message, the right exit code, nothing left behind.
#include <sys/stat.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>

#include "program.h"

namespace reasonbrain::cli {
namespace {

const std::string kModel = std::string(RB_SOURCE_DIR) + "/models/mini";

class BadInputTest : public ProgramTest {
 protected:
  std::vector<std::string> edit(const std::string& model, const std::string& image) const {
    return {"edit",          "--model",           model,   "--image", image,
            "--instruction", "What if it froze?", "--out", "out.png"};
  }
};

TEST_F(BadInputTest, ANamedPipeIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.png").c_str(), 0600), 0);
  expect_failure(edit(kModel, "pipe.png"), 4, {"pipe.png", "not a regular file"});
  expect_failure({"data", "check", "--data", "pipe.png"}, 4, {"pipe.png"});
  EXPECT_EQ(names_in("."), std::vector<std::string>{"pipe.png"});
}

TEST_F(BadInputTest, ASeedBeyondItsRangeIsStatus2) {
  picture("in.png");
  for (const char* seed : {"18446744073709551616", "9223372036854775808", "-1", "1e3", "0x", ""}) {
    std::vector<std::string> command = edit("no-model", "in.png");
    command.insert(command.end(), {"--seed", seed});
    expect_failure(command, 2, {"--seed"});
    expect_failure(
        {"data", "miniworld", "--out", "w", "--split", "val", "--count", "3", "--seed", seed}, 2,
        {"--seed"});
  }
}

TEST_F(BadInputTest, AModelIndexOfWrongTypesIsStatus4) {
  if (!fs::exists(kModel + "/model_index.json")) GTEST_SKIP() << "no " << kModel;
  fs::copy(kModel, folder_ / "model", fs::copy_options::recursive);
  picture("in.png");
  const fs::path index = folder_ / "model/model_index.json";
  const auto good = nlohmann::json::parse(read_file(index));
  const auto expect = [&](const std::function<void(nlohmann::json&)>& change,
                          const std::string& word) {
    nlohmann::json bad = good;
    change(bad);
    write_file_atomic(index, bad.dump());
    expect_failure(edit("model", "in.png"), 4, {"model_index.json", word});
  };
  expect([](nlohmann::json& bad) { bad["_class_name"] = 5; }, "_class_name");
  expect([](nlohmann::json& bad) { bad["format_version"] = "1"; }, "format_version");
  expect([](nlohmann::json& bad) { bad.erase("parts"); }, "parts");
  expect([](nlohmann::json& bad) { bad["parts"] = "llm"; }, "parts");
  expect([](nlohmann::json& bad) { bad["parts"].erase("text"); }, "text");
  expect([](nlohmann::json& bad) { bad["parts"]["llm"] = {1}; }, "llm");
  expect([](nlohmann::json& bad) { bad["parts"]["llm"]["sha256"] = 5; }, "sha256");
  expect([](nlohmann::json& bad) { bad["parts"]["llm"]["frozen"] = "yes"; }, "frozen");
  expect([](nlohmann::json& bad) { bad["parts"]["llm"]["path"] = "../../llm"; }, "llm");
  expect([](nlohmann::json& bad) { bad["parts"]["llm"]["path"] = "nowhere"; }, "nowhere");
  EXPECT_FALSE(fs::exists(folder_ / "out.png"));
}

// A limit on the size of files stands for a disk that is full after some bytes.
TEST_F(BadInputTest, AFullDiskIsStatus1AndLeavesNothing) {
  const std::string command =
      str("cd '", folder_.string(), "' && ulimit -f 1 && '", RB_BINARY,
          "' data miniworld --out w --split val --count 12 --seed 1 > .stdout 2> .stderr");
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_NE(read_file(folder_ / ".stderr").find("cannot write"), std::string::npos)
      << read_file(folder_ / ".stderr");
  EXPECT_TRUE(names_in(".").empty());
}

}  // namespace
}  // namespace reasonbrain::cli
