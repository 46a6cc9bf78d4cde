#include <cmath>
#include <csignal>

#include "run_test_base.h"
#include "train/run_state.h"

namespace reasonbrain::train {
namespace {

using testing::HasSubstr;

class Resume : public RunTest {
 protected:
  void expect_same_run(const std::string& whole, const std::string& resumed) {
    for (int64_t step : {4, 8, 9, 12, 15}) {
      expect_equal_checkpoints(checkpoint(whole, step), checkpoint(resumed, step));
    }
    expect_equal_checkpoints(root_ / whole / "checkpoints/best",
                             root_ / resumed / "checkpoints/best");
    EXPECT_EQ(metrics(whole), metrics(resumed));
    EXPECT_EQ(names_in(root_ / resumed / "checkpoints"), names_in(root_ / whole / "checkpoints"));
  }
};

TEST_F(Resume, EqualsTheUninterruptedRunWhereverItStopped) {
  run("whole");
  // Calls 0-8 of losses() are steps 1-4, 9-18 steps 5-8, 19-21 step 9 (the end of a stage), 22-28
  // steps 10-12 and 29-34 steps 13-15; a checkpoint follows each of these ranges.
  for (int64_t call : {4, 10, 18, 20, 22, 23, 27, 34}) {
    const std::string folder = str("crash-", call);
    run_and_crash(folder, call);
    run(folder);
    expect_same_run("whole", folder);
  }
}

TEST_F(Resume, EqualsTheUninterruptedRunAfterManyCrashes) {
  run("whole");
  for (int64_t call : {10, 4, 8, 11, 3}) run_and_crash("crash", call);
  run("crash");
  expect_same_run("whole", "crash");
}

TEST_F(Resume, EqualsTheUninterruptedRunAfterSigkill) {
  run("whole");
  const auto die = [this] {
    ToyTask task;
    task.before_losses = [](int64_t earlier) {
      if (earlier == 28) std::raise(SIGKILL);
    };
    train(task, in_a_fork(), info("killed"));
  };
  EXPECT_EXIT(die(), testing::KilledBySignal(SIGKILL), "");
  fs::create_directories(root_ / "killed/checkpoints/.step-000012.tmp-1-0/state");
  std::ofstream(root_ / "killed/metrics.jsonl", std::ios::app) << R"({"step": 11, "lo)";
  run("killed");
  expect_same_run("whole", "killed");
}

TEST_F(Resume, OfAFinishedRunChangesNothing) {
  run("whole");
  run("again");
  const TrainResult result = run("again");
  EXPECT_EQ(result.steps, kTotalSteps);
  EXPECT_FALSE(result.stopped);
  expect_same_run("whole", "again");
}

TEST_F(Resume, GoesOnPastACapOnTheSteps) {
  run("whole");
  TrainOptions capped = options();
  capped.steps = 6;
  EXPECT_EQ(run("capped", capped).steps, 6);
  EXPECT_TRUE(fs::exists(checkpoint("capped", 6) / "COMPLETE"));
  run("capped");
  expect_equal_checkpoints(checkpoint("whole", 12), checkpoint("capped", 12));
}

TEST_F(Resume, PassesOverADamagedNewestCheckpoint) {
  run("whole");
  // One byte of one file, a missing file, an unfinished folder.
  run_and_crash("crash", 30);
  const auto flip = [](const fs::path& path) {
    std::string bytes = read_file(path);
    bytes[bytes.size() / 2] ^= 1;
    write_file_atomic(path, bytes);
  };
  flip(checkpoint("crash", 12) / "state/optimizer.safetensors");
  fs::remove(checkpoint("crash", 9) / "model/model.safetensors");
  fs::remove(checkpoint("crash", 8) / "COMPLETE");
  log::set_level(log::Level::kWarning);
  testing::internal::CaptureStderr();
  run("crash");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("step-000012"));
  EXPECT_THAT(said, HasSubstr("step-000009"));
  EXPECT_THAT(said, HasSubstr("step-000008"));
  expect_same_run("whole", "crash");
}

TEST_F(Resume, RefusesADamagedCheckpointThatIsNamed) {
  run("run");
  fs::resize_file(checkpoint("run", 8) / "state/weights.safetensors", 100);
  const std::string damaged = checkpoint("run", 8).string();
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { run("run", options(), damaged); }),
              HasSubstr("step-000008/state/weights.safetensors"));
  fs::remove(checkpoint("run", 12) / "COMPLETE");
  EXPECT_THAT(
      error_of(ErrorKind::kData, [&] { run("run", options(), checkpoint("run", 12).string()); }),
      HasSubstr("COMPLETE"));
  error_of(ErrorKind::kData, [&] { run("run", options(), (root_ / "nowhere").string()); });
  EXPECT_TRUE(fs::exists(checkpoint("run", 15) / "COMPLETE"));
}

TEST_F(Resume, FromANamedCheckpointOfTheRunGoesBack) {
  run("whole");
  run("back");
  ToyTask task;
  task.before_losses = [](int64_t earlier) {
    if (earlier == 5) throw std::runtime_error("power cut");
  };
  EXPECT_THROW(train(task, options(), info("back", checkpoint("back", 4).string())),
               std::runtime_error);
  EXPECT_EQ(names_in(root_ / "back/checkpoints").count("superseded-step-000012"), 1u);
  EXPECT_EQ(metrics("back").back().at("step"), 6);
  run("back");
  for (int64_t step : {8, 15}) {
    expect_equal_checkpoints(checkpoint("whole", step), checkpoint("back", step));
  }
  EXPECT_EQ(metrics("whole"), metrics("back"));
}

TEST_F(Resume, ARefusedCheckpointLeavesTheFolderAsItWas) {
  run("run");
  const auto before = names_in(root_ / "run/checkpoints");
  ToyTask task;
  RunInfo with = info("run", checkpoint("run", 4).string());
  with.resolved_config = "train: {batch_size: 5}\n";
  with.seed = 22;
  error_of(ErrorKind::kConfig, [&] { train(task, options(), with); });
  TrainOptions changed = options();
  changed.settings.ema_decay = 0;
  with.seed = 21;
  error_of(ErrorKind::kConfig, [&] { train(task, changed, with); });
  EXPECT_EQ(names_in(root_ / "run/checkpoints"), before);
  EXPECT_EQ(read_file(root_ / "run/config.resolved.yaml"), "train: {}\n");
  EXPECT_EQ(metrics("run").back().at("step"), 15);
}

TEST_F(Resume, TheBestOfAnAbandonedWayIsSetAside) {
  run("run");
  const int64_t best = open_checkpoint(root_ / "run/checkpoints/best").trainer_state.at("step");
  ASSERT_GT(best, 4);
  ToyTask task;
  task.before_losses = [](int64_t) { throw std::runtime_error("power cut"); };
  EXPECT_THROW(train(task, options(), info("run", checkpoint("run", 4).string())),
               std::runtime_error);
  EXPECT_FALSE(fs::exists(root_ / "run/checkpoints/best"));
  EXPECT_TRUE(fs::exists(root_ / "run/checkpoints/superseded-best/COMPLETE"));
}

TEST_F(Resume, FindsWhatEarlierStagesAttached) {
  class AttachingTask : public ToyTask {
   public:
    void begin_stage(const std::string& stage) override {
      if (stage == "all" && !model->named_children().contains("more"))
        model->register_module("more", nn::Linear(2, 2, /*bias=*/false, nn::Build{}));
      ToyTask::begin_stage(stage);
    }
  } first, second;
  first.before_losses = [](int64_t earlier) {
    if (earlier == 30) throw std::runtime_error("power cut");  // behind step 12, in stage "last"
  };
  EXPECT_THROW(train(first, options(), info("run")), std::runtime_error);
  EXPECT_EQ(train(second, options(), info("run")).steps, kTotalSteps);
}

TEST_F(Resume, FromAnotherRunFolderContinuesInTheNewOne) {
  run("whole");
  run_and_crash("old", 20);
  run("new", options(), (root_ / "old").string());
  expect_equal_checkpoints(checkpoint("whole", 15), checkpoint("new", 15));
  EXPECT_FALSE(fs::exists(checkpoint("old", 12)));
  EXPECT_EQ(metrics("new").front().at("step"), 9);
}

TEST_F(Resume, NoneRefusesAFolderWithARun) {
  run("run");
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { run("run", options(), "none"); }),
              HasSubstr("step 15"));
  EXPECT_EQ(run("fresh", options(), "none").steps, kTotalSteps);
}

TEST_F(Resume, RefusesAConfigurationThatCannotGoOn) {
  run_and_crash("run", 20);  // leaves step 8, in stage "all"
  const auto refused = [&](const TrainOptions& changed, uint64_t seed) {
    ToyTask task;
    RunInfo with = info("run");
    with.seed = seed;
    return error_of(ErrorKind::kConfig, [&] { train(task, changed, with); });
  };
  EXPECT_THAT(refused(options(), 22), HasSubstr("seed 21, the configuration says 22"));
  TrainOptions changed = options();
  changed.stages[0].settings.batch_size = 3;
  EXPECT_THAT(refused(changed, 21), HasSubstr("batch_size of stage 'all' 5"));
  changed = options();
  changed.stages[0].steps = 0;
  EXPECT_THAT(refused(changed, 21), HasSubstr("the stages [\"all\"]"));
  changed = options();
  changed.settings.ema_decay = 0;
  EXPECT_THAT(refused(changed, 21), HasSubstr("EMA on"));

  const auto with_model = [&](std::map<std::string, std::string> model, const TrainOptions& plan) {
    ToyTask task;
    RunInfo with = info("model");
    with.model = std::move(model);
    return train(task, plan, with).steps;
  };
  with_model({{"model.lora.alpha", "16"}}, options());
  EXPECT_THAT(error_of(ErrorKind::kConfig,
                       [&] {
                         with_model({{"model.lora.alpha", "8"}}, options());
                       }),
              HasSubstr("model.lora.alpha \"16\", the configuration says \"8\""));
  EXPECT_EQ(with_model({{"model.lora.alpha", "16"}, {"model.new", "1"}}, options()), kTotalSteps);

  class WiderTask : public ToyTask {
   public:
    WiderTask() { model->register_module("more", nn::Linear(2, 2, /*bias=*/false, nn::Build{})); }
  } wider;
  nn::init_weights(*wider.model, 3);
  EXPECT_THAT(error_of(ErrorKind::kConfig, [&] { train(wider, options(), info("run")); }),
              HasSubstr("more.weight"));
}

TEST_F(Resume, AMeasuredTermThatIsNotFiniteHarmsNoCheckpoint) {
  RunState state;
  state.window.terms["remaining"] = {NAN, 3};
  const nlohmann::json saved = nlohmann::json::parse(to_json(state, {}).dump());
  EXPECT_TRUE(std::isnan(run_state_from_json(saved, "state").window.terms.at("remaining").first));
}

TEST_F(Resume, OneTrainerAtATimeHasTheFolder) {
  std::string message;
  ToyTask task;
  task.before_losses = [&](int64_t call) {
    if (call > 0) return;
    ToyTask second;
    message = error_of(ErrorKind::kRuntime, [&] { train(second, options(), info("run")); });
  };
  EXPECT_EQ(train(task, options(), info("run")).steps, kTotalSteps);
  EXPECT_THAT(message, HasSubstr("another training"));
}

TEST_F(Resume, DoesNotDependOnTheNumberOfWorkers) {
  for (int64_t workers : {0, 1, 4}) {
    ToyTask task;
    RunInfo with = info(str("workers-", workers));
    with.data_workers = workers;
    train(task, options(), with);
  }
  for (const char* other : {"workers-1", "workers-4"}) expect_same_run("workers-0", other);
}

}  // namespace
}  // namespace reasonbrain::train
