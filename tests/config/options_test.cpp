#include "config/options.h"

#include <gtest/gtest.h>

#include "config/example_options.h"
#include "config/yaml.h"
#include "core/expect_error.h"

namespace reasonbrain::config {
namespace {

ExampleOptions read(const std::string& text) {
  ExampleOptions options;
  const Node tree = parse_yaml(text, "t.yaml");
  read_options(tree, options);
  return options;
}

TEST(ReadOptions, SetsWhatIsNamedAndKeepsTheRest) {
  const ExampleOptions options = read(
      "ema: false\nsteps: 1e6\nrun: 7\nlayers: [1, 2]\nnames: [melt, \"5\"]\nobjective: epsilon\n"
      "optim: {lr: 3e-5}\nstages:\n  - name: reasoner\n  - {name: painter, steps: 5}\n");
  EXPECT_FALSE(options.ema);
  EXPECT_EQ(options.steps, 1000000);
  EXPECT_EQ(options.run, "7");
  EXPECT_EQ(options.layers, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(options.names, (std::vector<std::string>{"melt", "5"}));
  EXPECT_EQ(options.objective, Objective::kEpsilon);
  EXPECT_EQ(options.optim.lr, 3e-5);
  EXPECT_EQ(options.optim.betas, (std::vector<double>{0.9, 0.999}));
  ASSERT_EQ(options.stages.size(), 2u);
  EXPECT_EQ(options.stages[0].name, "reasoner");
  EXPECT_EQ(options.stages[0].steps, 10);
  EXPECT_EQ(options.stages[1].steps, 5);
}

TEST(ReadOptions, EmptyGroupsKeepTheirDefaults) {
  EXPECT_EQ(read("optim:\n").optim.lr, 1e-4);
  EXPECT_EQ(read("{}").steps, 1000);
}

TEST(ReadOptions, SuggestsTheNearestKey) {
  EXPECT_ERROR(read("ema: true\nstep: 3\n"), kConfig,
               "t.yaml:2: key 'step' is not an option, nearest 'steps'");
  EXPECT_ERROR(read("optim:\n  lrr: 3\n"), kConfig,
               "t.yaml:2: key 'optim.lrr' is not an option, nearest 'optim.lr'");
  EXPECT_ERROR(read("stages:\n  - nam: 3\n"), kConfig,
               "t.yaml:2: key 'stages[0].nam' is not an option, nearest 'stages[0].name'");
  EXPECT_ERROR(read("zzzzzzzz: 3\n"), kConfig, "key 'zzzzzzzz' is not an option");
}

struct BadValue {
  const char* text;
  const char* message;
};

class ReadOptionsBadValue : public testing::TestWithParam<BadValue> {};

TEST_P(ReadOptionsBadValue, IsRefused) {
  EXPECT_ERROR(read(GetParam().text), kConfig, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, ReadOptionsBadValue,
    testing::Values(
        BadValue{"steps: 1.5",
                 "t.yaml:1: key 'steps' is '1.5', expected an integer in [1, 1e+09] steps"},
        BadValue{"steps: 0", "key 'steps' is '0', expected an integer in [1, 1e+09] steps"},
        BadValue{"steps: 99999999999999999999", "expected an integer"},
        BadValue{"steps: \"5\"", "key 'steps' is the text \"5\", expected an integer"},
        BadValue{"steps: 0x10", "expected an integer"}, BadValue{"steps:", "has no value"},
        BadValue{"steps: [1]", "is a list"}, BadValue{"steps: .nan", "expected an integer"},
        BadValue{"optim: {lr: .nan}", "key 'optim.lr' is '.nan', expected a finite number"},
        BadValue{"optim: {lr: .inf}", "expected a finite number"},
        BadValue{"optim: {lr: nan}", "expected a finite number"},
        BadValue{"optim: {lr: 1e999}", "expected a finite number"},
        BadValue{"optim: {lr: 2}", "expected a finite number in [0, 1]"},
        BadValue{"optim: {lr: 1e-4x}", "expected a finite number"},
        BadValue{"optim: 3", "key 'optim' is '3', expected a group of keys"},
        BadValue{"optim: {betas: 0.9}", "expected a list"},
        BadValue{"optim: {betas: [0.9, 1.5]}", "key 'optim.betas[1]' is '1.5'"},
        BadValue{"layers: [1, x]", "key 'layers[1]' is 'x', expected an integer in [0, 24]"},
        BadValue{"names: [[a]]", "key 'names[0]' is a list, expected text"},
        BadValue{"ema: yes", "key 'ema' is 'yes', expected true or false"},
        BadValue{"ema: 1", "expected true or false"},
        BadValue{"run: {a: b}", "key 'run' is a group of keys, expected text"},
        BadValue{"objective: Flow", "expected one of epsilon, flow"},
        BadValue{"objective: [flow]", "expected one of epsilon, flow"},
        BadValue{"stages: {name: a}", "expected a list of groups"},
        BadValue{"stages: [a]", "key 'stages[0]' is 'a', expected a group of keys"},
        BadValue{"[1, 2]", "t.yaml:1: expected a group of keys"}));

TEST(WriteOptions, ReadsBackEqual) {
  ExampleOptions options;
  options.steps = 77;
  options.run = "true";
  options.names = {"a b",        "1e5",  "",     "q\"\\\n\t#", "caf\xC3\xA9",
                   "plain-name", "null", "Null", "NULL",       "- x"};
  options.optim.lr = 1.0 / 3;
  options.stages = {{"one: two", 1}, {"three", 2}};
  const std::string text = write_options(options);
  const ExampleOptions back = read(text);
  EXPECT_EQ(write_options(back), text);
  EXPECT_EQ(back.run, options.run);
  EXPECT_EQ(back.names, options.names);
  EXPECT_EQ(back.optim.lr, options.optim.lr);
  EXPECT_EQ(back.stages[0].name, "one: two");
  EXPECT_TRUE(read(write_options(ExampleOptions{})).stages.empty());
}

TEST(WriteOptions, HelpIsAComment) {
  ExampleOptions options;
  options.stages = {{"a", 1}};
  const std::string text = write_options(options, /*with_help=*/true);
  EXPECT_THAT(text, testing::HasSubstr("# Optimiser steps (steps); [1, 1e+09]\nsteps: 1000\n"));
  EXPECT_THAT(text, testing::HasSubstr("# What is predicted [epsilon | flow]\nobjective: flow\n"));
  EXPECT_THAT(text, testing::HasSubstr("  # Learning rate; [0, 1]\n  lr: 1e-04\n"));
  EXPECT_EQ(write_options(read(text)), write_options(options));
}

TEST(ListOptions, HasARowForEveryOption) {
  const std::vector<OptionRow> rows = list_options<ExampleOptions>();
  std::vector<std::string> paths;
  for (const OptionRow& row : rows) {
    paths.push_back(row.path);
    EXPECT_FALSE(row.help.empty()) << row.path;
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"ema", "steps", "run", "layers", "names", "objective",
                                             "optim.lr", "optim.betas", "stages", "stages[].name",
                                             "stages[].steps"}));
  EXPECT_EQ(rows[1].type, "int");
  EXPECT_EQ(rows[1].value, "1000");
  EXPECT_EQ(rows[1].unit, "steps");
  EXPECT_EQ(rows[1].range, "[1, 1e+09]");
  EXPECT_EQ(rows[5].type, "epsilon | flow");
  EXPECT_EQ(rows[5].value, "flow");
  EXPECT_EQ(rows[8].value, "0 items");
}

TEST(DiffOptions, ListsOnlyWhatDiffers) {
  ExampleOptions a, b;
  b.optim.lr = 0.5;
  b.stages = {{"x", 3}};
  EXPECT_TRUE(diff_options(a, a).empty());
  const auto differences = diff_options(a, b);
  ASSERT_EQ(differences.size(), 4u);
  EXPECT_EQ(differences[0].path, "optim.lr");
  EXPECT_EQ(differences[0].a, "1e-04");
  EXPECT_EQ(differences[0].b, "0.5");
  EXPECT_EQ(differences[1].path, "stages");
  EXPECT_EQ(differences[2].path, "stages[0].name");
  EXPECT_EQ(differences[2].a, "(absent)");
  EXPECT_EQ(differences[2].b, "x");
}

}  // namespace
}  // namespace reasonbrain::config
