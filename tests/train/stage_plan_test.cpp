#include "train/stage_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/options.h"
#include "config/yaml.h"
#include "run_test_base.h"

namespace reasonbrain::train {
namespace {

using testing::HasSubstr;

TrainOptions parse(const std::string& yaml) {
  TrainOptions options;
  config::read_options(config::parse_yaml(yaml, "test.yaml"), options);
  return options;
}

TEST(StagePlan, AStageInheritsWhatItDoesNotSet) {
  const StagePlan plan = resolve_stages(
      parse("{batch_size: 8, lr: 0.5, schedule: linear, clip_norm: 3, stages: [{name: b, steps: 7, "
            "lr: "
            "0.25, ema_decay: 0}, {name: a, steps: 5, schedule: constant, batch_size: 2}]}"),
      {"a", "b"});
  ASSERT_EQ(plan.size(), 2u);  // in the order of the task
  EXPECT_EQ(plan[0].name, "a");
  EXPECT_EQ(plan[0].steps, 5);
  EXPECT_EQ(plan[0].settings.batch_size, 2);
  EXPECT_EQ(plan[0].settings.lr, 0.5);
  EXPECT_EQ(plan[0].settings.schedule, LrSchedule::kConstant);
  EXPECT_EQ(plan[0].settings.ema_decay, StepSettings().ema_decay);
  EXPECT_EQ(plan[1].settings.batch_size, 8);
  EXPECT_EQ(plan[1].settings.lr, 0.25);
  EXPECT_EQ(plan[1].settings.schedule, LrSchedule::kLinear);
  EXPECT_EQ(plan[1].settings.ema_decay, 0);
  EXPECT_EQ(plan[1].settings.clip_norm, 3);
  EXPECT_EQ(plan[1].settings.weight_decay, -1);
}

TEST(StagePlan, StepsCapsTheTotalAndFillsWhatIsOpen) {
  const std::vector<std::string> stages = {"a", "b", "c"};
  const std::string listed =
      "stages: [{name: a, steps: 10}, {name: b, steps: 0}, {name: c, steps: 10}]}";
  EXPECT_EQ(total_steps(resolve_stages(parse("{" + listed), stages)), 20);
  const StagePlan capped = resolve_stages(parse("{steps: 13, " + listed), stages);
  ASSERT_EQ(capped.size(), 2u);
  EXPECT_EQ(capped[1].name, "c");
  EXPECT_EQ(capped[1].steps, 3);
  EXPECT_EQ(capped[1].schedule_steps, 10);
  EXPECT_EQ(resolve_stages(parse("{steps: 4, " + listed), stages).size(), 1u);

  const StagePlan open =
      resolve_stages(parse("{steps: 13, stages: [{name: a, steps: 10}]}"), {"a", "b"});
  EXPECT_EQ(open[1].steps, 3);
  EXPECT_EQ(open[1].schedule_steps, 3);
}

TEST(StagePlan, TellsWhatDoesNotFitTheTask) {
  const auto refused = [](const std::string& yaml) {
    return error_of(ErrorKind::kConfig, [&] { resolve_stages(parse(yaml), {"a", "b"}); });
  };
  EXPECT_THAT(refused("{steps: 5, stages: [{name: x}]}"),
              HasSubstr("no stage 'x', expected one of a, b"));
  EXPECT_THAT(refused("{steps: 5, stages: [{name: a}, {name: a}]}"), HasSubstr("twice"));
  EXPECT_THAT(refused("{stages: [{name: a, steps: 3}]}"),
              HasSubstr("stage 'b' has no number of steps"));
  EXPECT_THAT(refused("{stages: [{name: a, steps: 0}, {name: b, steps: 0}]}"),
              HasSubstr("no stage has a step"));
  EXPECT_THAT(refused("{steps: 5, stages: [{name: a, batch_size: 0}]}"), HasSubstr("batch_size"));
  EXPECT_THAT(refused("{steps: 5, stages: [{name: a, lr: -0.5}]}"), HasSubstr("lr is -0.5"));
  error_of(ErrorKind::kConfig, [] { parse("{batch_size: -1}"); });
  error_of(ErrorKind::kConfig, [] { parse("{schedule: inherit}"); });
}

TEST(StagePlan, LearningRateOfEachSchedule) {
  Stage stage{"a", 110, 110, {.lr = 2, .warmup_steps = 10, .min_lr_ratio = 0.1}};
  EXPECT_DOUBLE_EQ(stage.lr_at(0), 0.2);
  EXPECT_DOUBLE_EQ(stage.lr_at(10), 2);
  EXPECT_NEAR(stage.lr_at(60), 1.1, 1e-12);
  stage.settings.schedule = LrSchedule::kLinear;
  EXPECT_NEAR(stage.lr_at(85), 2 * (1 - 0.9 * 0.75), 1e-12);
  stage.settings.schedule = LrSchedule::kConstant;
  EXPECT_DOUBLE_EQ(stage.lr_at(109), 2);
}

TEST(StagePlan, OptionsSurviveYamlAndAllHaveHelp) {
  TrainOptions options = parse("{steps: 9, beta2: 0.95, stages: [{name: a, warmup_steps: 0}]}");
  const std::string yaml = config::write_options(options);
  EXPECT_EQ(config::write_options(parse(yaml)), yaml);
  for (const auto& row : config::list_options<TrainOptions>()) EXPECT_NE(row.help, "") << row.path;
}

}  // namespace
}  // namespace reasonbrain::train
