// Hostile and unlucky surroundings: one message, the right exit code, nothing left behind.
#include <sys/stat.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/rng.h"
#include "run_until.h"

namespace reasonbrain::cli {
namespace {

const std::string kModel = std::string(RB_SOURCE_DIR) + "/models/mini";

class BadInputTest : public ProgramTest {
 protected:
  std::vector<std::string> edit(const std::string& model, const std::string& image) const {
    return {"edit",          "--model",           model,   "--image", image,
            "--instruction", "What if it froze?", "--out", "out.png"};
  }
  // A line of a JSONL file.
  static std::string record(const std::string& id, const std::string& picture,
                            const std::string& more = "") {
    return str(R"({"id": ")", id, R"(", "src_image": ")", picture,
               R"(", "instruction": "What if it froze?")", more, "}\n");
  }
  // Runs with a limit on the size of files, in blocks of 512 or 1024 bytes: it stands for a disk
  // that is full after some bytes.
  void expect_full_disk(const std::string& command, const std::string& limit) const {
    const std::string all = str("cd '", folder_.string(), "' && ulimit -f ", limit, " && '",
                                RB_BINARY, "' ", command, " > .stdout 2> .stderr");
    const int status = std::system(all.c_str());
    EXPECT_EQ(WEXITSTATUS(status), 1) << command;
    EXPECT_NE(read_file(folder_ / ".stderr").find("cannot write"), std::string::npos)
        << command << "\n"
        << read_file(folder_ / ".stderr");
  }
};

TEST_F(BadInputTest, AClosedStreamIsNoOtherFile) {
  write_file_atomic(folder_ / "empty.jsonl", "");
  const std::vector<std::pair<std::vector<std::string>, int>> cases = {
      {{"config", "check", "--config", "none.yaml"}, 3},
      {{"data", "stats", "--data", "empty.jsonl"}, 4},
      {{"tokenize", "--tokenizer", kModel + "/llm"}, 4}};
  for (const auto& [arguments, status] : cases) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(stream);
      if (::chdir(folder_.c_str()) != 0) ::_exit(99);
      become_program(arguments);
    }
    int result = 0;
    ::waitpid(child, &result, 0);
    ASSERT_TRUE(WIFEXITED(result)) << join(arguments, " ");
    EXPECT_EQ(WEXITSTATUS(result), status) << join(arguments, " ");
  }
}

// With the small model of the repository.
class BadEditTest : public BadInputTest {
 protected:
  void SetUp() override {
    if (!fs::exists(kModel + "/model_index.json")) GTEST_SKIP() << "no " << kModel;
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

TEST_F(BadInputTest, WhatIsNoNumberAndNoFolderIsStatus2) {
  expect_failure({"eval", "run", "--data", "r.jsonl", "--pred", "a=p", "--protocol", "miniworld",
                  "--out", "report", "--max-fail", "nan"},
                 2, {"--max-fail", "nan"});
  expect_failure({"edit", "--model", "m", "--image", "i.png", "--instruction", "x", "--out",
                  "o.png", "--guidance", "nan"},
                 2, {"--guidance", "nan"});
  expect_failure(
      {"data", "miniworld", "--out", "", "--split", "val", "--count", "1", "--seed", "1"}, 2,
      {"--out"});
}

TEST_F(BadEditTest, AModelIndexOfWrongTypesIsStatus4) {
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

TEST_F(BadInputTest, AFullDiskIsStatus1AndLeavesNothing) {
  expect_full_disk("data miniworld --out new/w --split val --count 12 --seed 1", "1");
  EXPECT_TRUE(names_in(".").empty());
}

TEST_F(BadEditTest, AFullDiskLeavesNoneOfThePicturesOfAnEdit) {
  // Noise does not pack: the edit of the large picture is larger than the limit.
  Rng rng(4);
  io::Image noise(300, 300, 3);
  for (uint8_t& pixel : noise.pixels) pixel = static_cast<uint8_t>(rng.below(256));
  io::write_png(folder_ / "large.png", noise);
  picture("small.png");
  const std::string model = " --model " + kModel + " ";
  expect_full_disk(
      "edit" + model +
          "--image large.png --instruction 'What if it froze?' --num 2 --out new/a.png",
      "64");
  write_file_atomic(folder_ / "r.jsonl", record("a", "large.png"));
  expect_full_disk("edit" + model + "--data r.jsonl --out new/pred", "64");
  // Only the explanation is too large.
  expect_full_disk(
      "edit" + model +
          "--image small.png --instruction 'What if it froze?' --out new/a.png --explain why",
      "16");
  EXPECT_EQ(names_in("."), (std::vector<std::string>{"large.png", "r.jsonl", "small.png"}));
}

TEST_F(BadInputTest, NoFolderIsLeftWhereNothingWasWritten) {
  picture("in.png");
  std::vector<std::string> command = edit("no-model", "in.png");
  command.back() = "new/deep/out.png";
  expect_failure(command, 4, {"no-model"});
  command.insert(command.end(), {"--explain", "in.png/why"});
  expect_failure(command, 1, {"in.png/why"});
  expect_failure({"edit", "--model", "no-model", "--data", "none.jsonl", "--out", "new/pred"}, 4,
                 {"none.jsonl"});
  EXPECT_EQ(names_in("."), std::vector<std::string>{"in.png"});
}

TEST_F(BadEditTest, ARecordThatCannotBeEditedStopsABatchBeforeItsFirstPicture) {
  picture("p.png");
  write_file_atomic(folder_ / "cut.png", read_file(folder_ / "p.png").substr(0, 60));
  picture("small.png", 5, 5);
  const auto expect = [&](const std::string& bad, const std::string& word) {
    write_file_atomic(folder_ / "r.jsonl", record("a", "p.png") + bad);
    expect_failure({"edit", "--model", kModel, "--data", "r.jsonl", "--out", "new/pred",
                    "--explain", "new/why"},
                   4, {"r.jsonl:2: ", word});
    EXPECT_FALSE(fs::exists(folder_ / "new")) << word;
  };
  expect(record("b", "cut.png"), "cut.png");
  expect(record("b", "p.png", R"(, "instance_map": "small.png")"), "5x5");
  expect(record("b", "p.png", R"(, "objects": [" "])"), "object");
  expect(record("b", "p.png", R"(, "instance_map": "r.jsonl")"), "r.jsonl");
  expect(record("b", std::string(300, 'x')), "xxx");
}

TEST_F(BadEditTest, ABatchKeepsOnlyWhatItKnowsTheSettingsOf) {
  picture("p.png");
  write_file_atomic(folder_ / "r.jsonl", record("a", "p.png") + record("b", "p.png"));
  const std::vector<std::string> command = {"edit",    "--model", kModel, "--data",
                                            "r.jsonl", "--out",   "pred"};
  ASSERT_EQ(run(command).status, 0);
  const std::vector<std::string> all = {"a.png", "b.png", "settings.json"};
  EXPECT_EQ(names_in("pred"), all);
  const std::string settings = read_file(folder_ / "pred/settings.json");
  fs::remove(folder_ / "pred/b.png");
  EXPECT_NE(run(command).out.find("1 records edited, 1 kept"), std::string::npos);
  for (const char* damaged : {"", "[]", "{\"hash\": 5}", "{broken"}) {
    write_file_atomic(folder_ / "pred/settings.json", damaged);
    expect_failure(command, 2, {"a.png", "settings.json", "--overwrite"});
  }
  std::vector<std::string> overwrite = command;
  overwrite.emplace_back("--overwrite");
  EXPECT_NE(run(overwrite).out.find("2 records edited, 0 kept"), std::string::npos);
  EXPECT_EQ(read_file(folder_ / "pred/settings.json"), settings);
  EXPECT_EQ(names_in("pred"), all);
}

TEST_F(BadEditTest, AnotherNumberOfPicturesIsAnotherSetting) {
  picture("p.png");
  write_file_atomic(folder_ / "r.jsonl", record("a", "p.png") + record("b", "p.png"));
  const auto command = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"edit", "--model", kModel, "--data", "r.jsonl", "--out", "pred"});
    return more;
  };
  ASSERT_EQ(run(command({})).status, 0);
  const std::vector<std::string> all = {"a.png", "b.png", "settings.json"};
  expect_failure(command({"--num", "2"}), 2, {"settings.json", "--overwrite"});
  EXPECT_EQ(names_in("pred"), all);
  ASSERT_EQ(run(command({"--num", "2", "--overwrite"})).status, 0);
  EXPECT_EQ(names_in("pred"), (std::vector<std::string>{"a-1.png", "a-2.png", "b-1.png", "b-2.png",
                                                        "settings.json"}));
  ASSERT_EQ(run(command({"--overwrite"})).status, 0);
  EXPECT_EQ(names_in("pred"), all);
}

TEST_F(BadEditTest, ABatchThatIsDoneIsStillExplained) {
  picture("p.png");
  write_file_atomic(folder_ / "r.jsonl", record("a", "p.png") + record("b", "p.png"));
  std::vector<std::string> command = {"edit",    "--model", kModel, "--data",
                                      "r.jsonl", "--out",   "pred"};
  ASSERT_EQ(run(command).status, 0);
  command.insert(command.end(), {"--explain", "why"});
  EXPECT_NE(run(command).out.find("2 records edited, 0 kept"), std::string::npos);
  for (const char* id : {"a", "b"})
    EXPECT_TRUE(fs::exists(folder_ / "why" / id / "explanation.json"));
  EXPECT_NE(run(command).out.find("0 records edited, 2 kept"), std::string::npos);
}

TEST_F(BadEditTest, AModelFolderWhosePartsDoNotFitIsStatus4) {
  fs::copy(kModel, folder_ / "model", fs::copy_options::recursive);
  picture("in.png");
  const fs::path config = folder_ / "model/reason/config.json";
  const std::string good = read_file(config);
  auto bad = nlohmann::json::parse(good);
  bad["inference"]["region_source"] = "sun";
  write_file_atomic(config, bad.dump());
  expect_failure(edit("model", "in.png"), 4, {"model", "'sun'", "kmeans"});
  write_file_atomic(config, good);
  write_file_atomic(folder_ / "model/llm/added_tokens.json", R"({"<new>": 736})");
  expect_failure(edit("model", "in.png"), 4, {"model", "736", "737 tokens"});
}

TEST_F(BadEditTest, AnInterruptEndsALongEditWithoutAPicture) {
  picture("in.png");
  std::vector<std::string> command = edit(kModel, "in.png");
  command.back() = "new/out.png";
  command.insert(command.end(), {"--steps", "1000", "--num", "256", "--explain", "new/why"});
  const auto has_begun = [](pid_t child) { return catches(child, SIGUSR1); };
  const Finished finished = run_until(has_begun, SIGINT, command, folder_);
  EXPECT_EQ(finished.status, 130) << finished.err;
  EXPECT_EQ(names_in("."), std::vector<std::string>{"in.png"});
}

TEST_F(BadEditTest, AnInterruptedBatchKeepsWholePicturesAndGoesOn) {
  picture("p.png");
  std::string records;
  for (int i = 0; i < 400; ++i) records += record(str("id", i), "p.png");
  write_file_atomic(folder_ / "r.jsonl", records);
  const std::vector<std::string> command = {"edit",  "--model",  kModel,    "--data", "r.jsonl",
                                            "--out", "new/pred", "--steps", "40"};
  const auto has_picture = [&](pid_t) { return fs::exists(folder_ / "new/pred/id0.png"); };
  const Finished finished = run_until(has_picture, SIGINT, command, folder_);
  EXPECT_EQ(finished.status, 130) << finished.err;
  const std::vector<std::string> names = names_in("new/pred");
  for (const std::string& name : names) {
    if (name == "settings.json") continue;
    EXPECT_EQ(io::read_image(folder_ / "new/pred" / name).width, 64) << name;
  }
  EXPECT_TRUE(fs::exists(folder_ / "new/pred/settings.json"));
  EXPECT_LT(names.size(), 401u);
  // The same settings: the pictures would be kept.
  write_file_atomic(folder_ / "r.jsonl", records.substr(0, records.find('\n') + 1));
  EXPECT_EQ(run(command).status, 0);
}

TEST_F(BadEditTest, ASignalEndsTheCommandsOfModelsWithoutAFile) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"model", "verify", kModel},
           {"model", "info", "--model", kModel},
           {"model", "export", "--model", kModel, "--out", "new/out"},
           {"model", "import", "llama", "--from", kModel + "/llm", "--out", "new/out"}}) {
    for (const int caught : {SIGTERM, SIGUSR1}) {
      const auto is_caught = [&](pid_t child) { return catches(child, caught); };
      EXPECT_EQ(run_until(is_caught, SIGTERM, command, folder_).status, 130) << join(command, " ");
    }
    EXPECT_EQ(names_in("."), std::vector<std::string>{}) << join(command, " ");
  }
}

TEST_F(BadEditTest, AnInterruptEndsTheWaitingForInput) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    ::execl(RB_BINARY, RB_BINARY, "tokenize", "--tokenizer", (kModel + "/llm").c_str(), nullptr);
    ::_exit(99);
  }
  // Before the library's handlers stand (LibTorch's loading takes seconds on a busy machine) the
  // signal would end it at once.
  for (int i = 0; i < 600 && !catches(child, SIGUSR1); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // now it waits
  ::kill(child, SIGINT);
  int status = 0;
  pid_t ended = 0;
  for (int i = 0; i < 100 && ended == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ended = ::waitpid(child, &status, WNOHANG);
  }
  EXPECT_EQ(ended, child) << "it still waits";
  if (ended == 0) ::kill(child, SIGKILL);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace reasonbrain::cli
