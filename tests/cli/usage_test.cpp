#include "program.h"

#include <nlohmann/json.hpp>

#include "reasonbrain/version.h"

namespace reasonbrain::cli {
namespace {

using UsageTest = ProgramTest;

TEST_F(UsageTest, HelpAndVersionGoToStdout) {
  const Finished help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.err, "");
  for (const char* word :
       {"edit", "train", "eval", "data", "model", "tokenize", "config", "doctor", "examples:"}) {
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
  }
  const Finished version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_NE(version.out.find(str("reasonbrain ", kVersion, " ")), std::string::npos);
}

// --help alone is answered from files that the build wrote; asked twice, the parser answers.
TEST_F(UsageTest, QuickHelpIsTheParsersOwn) {
  const fs::path folder = fs::path(RB_BINARY).parent_path() / "../share/reasonbrain/help";
  EXPECT_GT(std::distance(fs::directory_iterator(folder), {}), 30);
  for (const std::vector<std::string>& command : {std::vector<std::string>{},
                                                  {"edit"},
                                                  {"model", "run"},
                                                  {"eval", "judge"},
                                                  {"../help/edit"}}) {
    std::vector<std::string> once = command, twice = command;
    once.push_back("--help");
    twice.insert(twice.end(), {"--help", "--help"});
    const Finished quick = run(once), parsed = run(twice);
    EXPECT_EQ(quick.status, parsed.status);
    EXPECT_EQ(quick.out, parsed.out) << join(once, " ");
    EXPECT_EQ(quick.err, parsed.err) << join(once, " ");
  }
}

TEST_F(UsageTest, EveryCommandExplainsItself) {
  const std::vector<std::vector<std::string>> commands = {{"train"},
                                                          {"edit"},
                                                          {"eval"},
                                                          {"eval", "run"},
                                                          {"data"},
                                                          {"data", "miniworld"},
                                                          {"data", "check"},
                                                          {"data", "stats"},
                                                          {"model"},
                                                          {"model", "run"},
                                                          {"model", "info"},
                                                          {"model", "list"},
                                                          {"tokenize"},
                                                          {"config"},
                                                          {"config", "show"},
                                                          {"config", "check"},
                                                          {"config", "options"},
                                                          {"config", "diff"},
                                                          {"bench"},
                                                          {"bench", "edit"},
                                                          {"bench", "batch"},
                                                          {"bench", "train"},
                                                          {"bench", "parity"},
                                                          {"bench", "load"},
                                                          {"completion"},
                                                          {"doctor"}};
  for (std::vector<std::string> command : commands) {
    command.emplace_back("--help");
    const Finished help = run(command);
    EXPECT_EQ(help.status, 0) << join(command, " ");
    EXPECT_NE(help.out.find("Usage"), std::string::npos) << help.out;
  }
}

TEST_F(UsageTest, TheLimitsOfEditStandInItsHelp) {
  const std::string help = run({"edit", "--help"}).out;
  EXPECT_NE(help.find("[1 - 1000]"), std::string::npos) << help;
  EXPECT_NE(help.find("[1 - 256]"), std::string::npos) << help;
}

TEST_F(UsageTest, WrongUseIsStatus2) {
  expect_failure({}, 2, {"--help"});
  expect_failure({"paint"}, 2, {"paint"});
  expect_failure({"edit", "--modle", "x"}, 2, {"--m"});
  expect_failure({"edit", "--model", "m", "--out", "o.png", "--image", "i.png", "--instruction",
                  "x", "--bogus"},
                 2, {"--bogus", "reasonbrain edit --help"});
  expect_failure({"eval", "run", "--data", "d", "--pred", "a=b", "--protocol", "sat", "--out", "r"},
                 2, {"sat", "miniworld"});
  expect_failure(
      {"data", "miniworld", "--out", "w", "--split", "val", "--count", "-3", "--seed", "1"}, 2,
      {"--count"});
  expect_failure(
      {"data", "miniworld", "--out", "w", "--split", "vel", "--count", "3", "--seed", "1"}, 2,
      {"vel"});
  expect_failure({"data", "miniworld", "--out", "w", "--split", "val", "--count", "3", "--seed",
                  "1", "--scenario", "x"},
                 2, {"x", "melt"});
  expect_failure({"model", "run", "brain", "--weights", ".", "--input", "i", "--output", "o"}, 2,
                 {"brain", "llama"});
}

TEST_F(UsageTest, EditRefusesBadArgumentsBeforeItLooksAtTheModel) {
  const auto edit = [](std::vector<std::string> more) {
    std::vector<std::string> all = {"edit", "--model", "no-model"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  picture("in.png");
  const std::vector<std::string> in = {"--image", "in.png", "--out", "out.png"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), in.begin(), in.end());
    return edit(more);
  };
  expect_failure(with({}), 2, {"--instruction"});
  expect_failure(with({"--instruction", ""}), 2, {"empty"});
  expect_failure(with({"--instruction", " \t"}), 2, {"empty"});
  expect_failure(with({"--instruction",
                       "a\xff"
                       "b"}),
                 2, {"UTF-8"});
  for (const char* value : {"0", "1001", "x", "1.5"}) {
    expect_failure(with({"--instruction", "a", "--steps", value}), 2, {"--steps", value});
  }
  expect_failure(with({"--instruction", "a", "--num", "257"}), 2, {"--num"});
  expect_failure(with({"--instruction", "a", "--seed", "-1"}), 2, {"--seed"});
  expect_failure(with({"--instruction", "a", "--guidance", "-1"}), 2, {"--guidance"});
  expect_failure(with({"--instruction", "a", "--dtype", "int8"}), 2, {"int8"});
  expect_failure(edit({"--out", "out.png", "--instruction", "a"}), 2, {"--image"});
  expect_failure(edit({"--image", "in.png", "--out", "out.jpg", "--instruction", "a"}), 2,
                 {"out.jpg", ".png"});
  expect_failure(edit({"--data", "d.jsonl", "--out", "o", "--instruction", "a"}), 2,
                 {"--instruction", "--data"});
  EXPECT_FALSE(fs::exists(folder_ / "out.png"));
}

TEST_F(UsageTest, WhatThisReleaseLacksSaysSo) {
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"launch", "--nproc", "2", "--", "train"}, {"eval", "judge"}, {"data", "pack"}}) {
    expect_failure(command, 2, {"not in this release"});
  }
}

TEST_F(UsageTest, DoctorAndModelListAnswerInJson) {
  const Finished doctor = run({"doctor", "--json"});
  EXPECT_EQ(doctor.status, 0);
  EXPECT_TRUE(nlohmann::json::parse(doctor.out).contains("LibTorch"));
  const Finished list = run({"model", "list", "--json"});
  EXPECT_EQ(list.status, 0);
  EXPECT_FALSE(nlohmann::json::parse(list.out)["components"].empty());
}

TEST_F(UsageTest, AFullDiskIsStatus1) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const std::string command = str("'", RB_BINARY, "' --help > /dev/full 2> /dev/null");
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
}

}  // namespace
}  // namespace reasonbrain::cli
