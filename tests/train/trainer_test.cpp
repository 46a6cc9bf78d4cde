#include <cmath>

#include "run_test_base.h"

namespace reasonbrain::train {
namespace {

using testing::HasSubstr;
using testing::Not;

class Trainer : public RunTest {
 protected:
  // One stage of four steps without dropout; its checkpoint's weights.
  io::TensorMap weights_with(int64_t batch_size, int64_t accumulate) {
    TrainOptions one = options();
    one.settings.batch_size = batch_size;
    one.settings.accumulate = accumulate;
    one.stages = {{.name = "all", .steps = 4}, {.name = "last", .steps = 0}};
    const std::string folder = str("batch-", batch_size, "-", accumulate);
    ToyTask task;
    task.dropout = 0;
    const TrainResult result = train(task, one, info(folder));
    return io::load_safetensors(result.checkpoint / "state/weights.safetensors");
  }
};

TEST_F(Trainer, AccumulationEqualsTheFullBatch) {
  const io::TensorMap full = weights_with(12, 1);
  for (int64_t accumulate : {2, 3, 12}) {
    for (const auto& [name, tensor] : weights_with(12 / accumulate, accumulate)) {
      EXPECT_LT((tensor - full.at(name)).abs().max().item<double>(), 1e-6)
          << name << ", " << accumulate << " micro-batches";
    }
  }
}

TEST_F(Trainer, WritesEverythingARunFolderHolds) {
  TrainOptions with = options();
  with.sample_every = 6;
  const TrainResult result = run("run", with);
  EXPECT_EQ(result.steps, kTotalSteps);
  EXPECT_EQ(result.checkpoint, checkpoint("run", 15));
  EXPECT_EQ(names_in(root_ / "run"),
            (std::set<std::string>{"config.resolved.yaml", "env.json", "train.log", "metrics.jsonl",
                                   "curves.html", "samples", "checkpoints", "tb"}));
  EXPECT_EQ(names_in(root_ / "run/samples"),
            (std::set<std::string>{"step-000006", "step-000009", "step-000012", "step-000015"}));
  EXPECT_EQ(read_file(root_ / "run/config.resolved.yaml"), "train: {}\n");
  EXPECT_EQ(nlohmann::json::parse(read_file(root_ / "run/env.json")).at("data_hash"), "toy");

  std::vector<int64_t> steps;
  for (const nlohmann::json& line : metrics("run")) {
    steps.push_back(line.at("step"));
    for (const char* key : {"epoch", "samples_seen", "loss", "loss_square", "loss_size", "lr",
                            "grad_norm", "stage", "stage_step"}) {
      EXPECT_FALSE(line.at(key).is_null()) << key;
    }
    EXPECT_TRUE(line.at("loss_never").is_null());  // no sample counts
    EXPECT_EQ(line.contains("val_loss"), steps.back() % 3 == 0) << steps.back();
  }
  EXPECT_EQ(steps, (std::vector<int64_t>{2, 3, 4, 6, 8, 9, 10, 12, 14, 15}));
  const nlohmann::json last = metrics("run").back();
  EXPECT_EQ(last.at("samples_seen"), 9 * 10 + 6 * 8);
  EXPECT_EQ(last.at("epoch"), 1);
  EXPECT_EQ(last.at("stage"), "last");

  const std::string page = read_file(root_ / "run/curves.html");
  for (const char* part : {"<svg", "loss_square", "validation loss", "grad_norm", ">last</text>"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  for (const char* part : {"http://", "https://", "src=", "nan"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
}

TEST_F(Trainer, TheLossOfALineIsTheMeanOfItsSteps) {
  TrainOptions every = options(), seldom = options();
  every.log_every = 1;
  seldom.log_every = 4;
  every.eval_every = seldom.eval_every = 0;
  run("every", every);
  run("seldom", seldom);
  const auto lines = metrics("every");
  ASSERT_EQ(lines.size(), 15u);
  double sum = 0;
  for (size_t i = 4; i < 8; ++i) sum += lines[i].at("loss_square").get<double>();
  EXPECT_NEAR(metrics("seldom")[1].at("loss_square").get<double>(), sum / 4, 1e-12);
}

TEST_F(Trainer, AStageEndsWithItsAverageAndTheModelHoldsIt) {
  ToyTask task;
  const TrainResult result = train(task, options(), info("run"));
  const auto model = io::load_safetensors(result.checkpoint / "model/model.safetensors");
  const auto raw = io::load_safetensors(result.checkpoint / "state/weights.safetensors");
  const auto average = io::load_safetensors(result.checkpoint / "state/ema.safetensors");
  EXPECT_EQ(average.size(), 2u);  // only "out" trains in the last stage
  for (const auto& [name, tensor] : nn::state_dict(*task.model)) {
    EXPECT_TRUE(tensor.equal(model.at(name))) << name;
    EXPECT_EQ(tensor.equal(raw.at(name)), !average.contains(name)) << name;
  }
  // The first stage's average is what the second one started from and left alone.
  const auto first = io::load_safetensors(checkpoint("run", 9) / "state/ema.safetensors");
  EXPECT_TRUE(model.at("hidden.weight").equal(first.at("hidden.weight")));
}

TEST_F(Trainer, StopsAtALossThatIsNotFinite) {
  ToyTask task;
  task.poisoned_id = "sample-7";
  TrainOptions with = options();
  with.save_every = 1;
  const std::string said = error_of(ErrorKind::kRuntime, [&] { train(task, with, info("run")); });
  for (const char* part : {"stage 'all'", "step ", "sample-7", "square nan",
                           "that of hidden.weight", "checkpoints/step-"}) {
    EXPECT_THAT(said, HasSubstr(part));
  }
  for (const auto& [name, tensor] : nn::state_dict(*task.model)) {
    EXPECT_TRUE(torch::isfinite(tensor).all().item<bool>()) << name;
  }
}

TEST_F(Trainer, NamesTheFirstParameterThatIsNotFinite) {
  ToyTask task;
  torch::NoGradGuard no_grad;
  task.model->out->weight.index_put_({0, 3}, INFINITY);
  torch::AutoGradMode grad(true);
  EXPECT_THAT(error_of(ErrorKind::kRuntime, [&] { train(task, options(), info("run")); }),
              HasSubstr("first parameter with such a value: out.weight"));
}

TEST_F(Trainer, KeepsTheNewestTheMultiplesAndTheBest) {
  TrainOptions with = options();
  with.save_every = 1;
  with.keep_last = 2;
  with.keep_every = 5;
  run("run", with);
  EXPECT_EQ(
      names_in(root_ / "run/checkpoints"),
      (std::set<std::string>{"step-000005", "step-000010", "step-000014", "step-000015", "best"}));
}

TEST_F(Trainer, BestIsTheBestEvaluationOfTheLastStage) {
  for (const char* metric : {"val_loss", "val_score"}) {
    ToyTask task;
    task.metric = metric;
    TrainOptions with = options();
    with.eval_every = 1;
    with.settings.lr = 0.3;  // so large that the last step is not the best
    with.settings.schedule = with.stages[1].settings.schedule = LrSchedule::kConstant;
    const TrainResult result = train(task, with, info(metric));
    int64_t best_step = 0;
    double best = INFINITY;
    for (const nlohmann::json& line : metrics(metric)) {
      if (line.at("stage") != "last" || line.at("val_loss") >= best) continue;
      best = line.at("val_loss");
      best_step = line.at("step");
    }
    const Checkpoint kept = open_checkpoint(root_ / metric / "checkpoints/best");
    EXPECT_EQ(kept.trainer_state.at("step"), best_step);
    EXPECT_EQ(std::abs(*result.best), best);
  }
}

TEST_F(Trainer, WithoutABestMetricNothingIsKeptAsBest) {
  ToyTask task;
  task.metric = "";
  train(task, options(), info("run"));
  EXPECT_FALSE(fs::exists(root_ / "run/checkpoints/best"));
}

TEST_F(Trainer, OverfitsOneBatch) {
  ToyTask task;
  task.dropout = 0;
  TrainOptions with = options();
  with.overfit_one_batch = true;
  with.stages = {{.name = "all", .steps = 300}, {.name = "last", .steps = 0}};
  with.settings.lr = 0.03;
  with.log_every = 1;
  with.save_every = 1000;
  with.eval_every = 0;
  train(task, with, info("run"));
  const auto lines = metrics("run");
  EXPECT_LT(lines.back().at("loss_square").get<double>(),
            0.05 * lines.front().at("loss_square").get<double>());
  EXPECT_EQ(lines.back().at("epoch"), 0);
}

TEST_F(Trainer, ADryRunTellsAndWritesNothing) {
  ToyTask task;
  RunInfo dry = info("dry");
  dry.dry_run = true;
  const TrainResult result = train(task, options(), dry);
  for (const char* part : {"stage all: 9 steps of 10 samples", "stage last:", "one step: loss"})
    EXPECT_THAT(result.report, HasSubstr(part));
  EXPECT_FALSE(fs::exists(root_ / "dry"));
}

TEST_F(Trainer, AFolderThatCannotBeWrittenIsAnError) {
  std::ofstream(root_ / "file") << "in the way";
  EXPECT_THAT(error_of(ErrorKind::kRuntime, [&] { run("file/run"); }), HasSubstr("cannot write"));
}

TEST_F(Trainer, AFailedExportLeavesNoCheckpoint) {
  class FullDisk : public ToyTask {
   public:
    void export_model(const fs::path&) override { throw runtime_error("no space left on device"); }
  } task;
  error_of(ErrorKind::kRuntime, [&] { train(task, options(), info("run")); });
  EXPECT_TRUE(names_in(root_ / "run/checkpoints").empty());
}

TEST_F(Trainer, AStageWithoutParametersIsAnError) {
  class Frozen : public ToyTask {
   public:
    std::vector<ParameterGroup> parameter_groups() override { return {}; }
  } task;
  EXPECT_THAT(error_of(ErrorKind::kConfig, [&] { train(task, options(), info("run")); }),
              HasSubstr("stage 'all' trains no parameter"));
}

}  // namespace
}  // namespace reasonbrain::train
