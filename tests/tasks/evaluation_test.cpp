// Evaluation of ReasonBrainTask, and what of it checkpoints hold.
#include "core/expect_error.h"
#include "reasonbrain/safetensors.h"
#include "tasks/task_fixture.h"

namespace reasonbrain::tasks {
namespace {

using ReasonBrainTaskEvaluation = ReasonBrainTaskTest;

std::map<std::string, double> evaluate_joint(ReasonBrainTask& task) {
  task.begin_stage("joint");
  return task.evaluate();
}

TEST_F(ReasonBrainTaskEvaluation, StochasticSamplersDrawNoiseByTheSample) {
  struct Kind {
    const char* class_name;
    double eta;
  };
  for (const auto& [class_name, eta] : {Kind{"DDPMScheduler", 0}, Kind{"DDIMScheduler", 1},
                                        Kind{"EulerAncestralDiscreteScheduler", 0}}) {
    const auto task = make_task(/*lora=*/false, [&](reason::PipelineOptions& options) {
      options.scheduler.class_name = class_name;
      options.scheduler.eta = eta;
    });
    const auto metrics = evaluate_joint(*task);
    EXPECT_TRUE(metrics.contains("val_rule_confident")) << class_name;
    EXPECT_EQ(task->evaluate(), metrics) << class_name;
  }
}

TEST_F(ReasonBrainTaskEvaluation, DoesNotDependOnItsBatchSizeOrOnTheMixOfTraining) {
  const auto metrics_with = [](int64_t batch_size, double mixed) {
    TaskOptions changed = options();
    changed.evaluation.batch_size = batch_size;
    changed.mix = {0, 0, mixed, mixed, mixed, 0, 0, mixed};
    ReasonBrainTask task(make_pipeline(), changed, data(), {"joint"}, /*seed=*/2);
    return evaluate_joint(task);
  };
  const auto together = metrics_with(12, 0), apart = metrics_with(5, 1);
  ASSERT_EQ(together.size(), apart.size());
  for (const auto& [name, value] : together)
    EXPECT_NEAR(apart.at(name), value, 1e-4 * (1 + std::abs(value))) << name;
}

TEST_F(ReasonBrainTaskEvaluation, OnlyTheJointStageOpensGates) {
  TaskOptions changed = options();
  changed.mix.open_gate = 1;
  ReasonBrainTask task(make_pipeline(), changed, data(), {"painter", "joint"}, /*seed=*/2);
  for (const char* stage : {"painter", "joint"}) {
    task.begin_stage(stage);
    const auto collated = batch(task, 0, 4);
    const torch::Tensor open = static_cast<const ReasonBatch&>(*collated).open_gate;
    EXPECT_EQ(open.sum().item<double>() > 0, stage == std::string("joint")) << stage;
  }
}

TEST_F(ReasonBrainTaskEvaluation, StagesWithoutALossAreRefusedAtOnce) {
  TaskOptions nothing = options();
  nothing.reasoner.mllm = nothing.reasoner.labels = 0;
  nothing.joint = {.mllm = 0, .dm = 0};
  const auto make = [&](const std::vector<std::string>& stages) {
    ReasonBrainTask(make_pipeline(), nothing, data(), stages, /*seed=*/2);
  };
  EXPECT_NO_THROW(make({"painter"}));
  EXPECT_ERROR(make({"painter", "reasoner"}), kConfig, "stage 'reasoner' has nothing to learn");
  EXPECT_ERROR(make({"painter", "joint"}), kConfig, "stage 'joint' has nothing to learn");
  EXPECT_ERROR(make({"painter", "jiont"}), kConfig, "no stage 'jiont'");
}

TEST_F(ReasonBrainTaskEvaluation, WithoutAProtocolTheBestHasTheLeastLoss) {
  TaskData plain = data();
  plain.protocol = nullptr;
  ReasonBrainTask task(make_pipeline(), options(), plain, {"reasoner", "painter"}, /*seed=*/2);
  task.begin_stage("reasoner");
  EXPECT_EQ(task.best_metric(), "val_answer");
  EXPECT_TRUE(task.best_is_highest());
  task.begin_stage("painter");
  EXPECT_FALSE(task.best_is_highest());
  const auto metrics = task.evaluate();
  ASSERT_TRUE(metrics.contains(task.best_metric()));
  EXPECT_NEAR(metrics.at(task.best_metric()),
              (metrics.at("val_loss_dm_t0.25") + metrics.at("val_loss_dm_t0.6") +
               metrics.at("val_loss_dm_t1")) /
                  3,
              1e-6);
}

TEST_F(ReasonBrainTaskEvaluation, SharesThatExcludeEachOtherAddUpToOneAtMost) {
  TaskOptions whole;
  whole.mix.drop_regions = 0.7;
  whole.mix.grid_regions = 0.2;
  whole.mix.kmeans_regions = 0.1;
  EXPECT_NO_THROW(whole.validate());
  whole.mix.kmeans_regions = 0.2;
  EXPECT_ERROR(whole.validate(), kConfig, "drop_regions, grid_regions and kmeans_regions");
  TaskOptions drop;
  drop.mix.drop_text = drop.mix.drop_both = 0.6;
  EXPECT_ERROR(drop.validate(), kConfig, "drop_text, drop_image and drop_both");
}

TEST_F(ReasonBrainTaskEvaluation, ReferencedPartsAreNotInCheckpointsAndMustStayAsTheyAre) {
  const TempDir folder;
  make_pipeline()->save(folder / "base");
  const auto run = [&](const std::string& name, int64_t steps) {
    reason::PipelineOptions changed = make_pipeline()->options();
    changed.parts.llm.path = (folder / "base/llm").string();
    changed.parts.llm.train = reason::TrainMode::kLora;
    ReasonBrainTask task(reason::Pipeline::create(changed, Placement{}, /*seed=*/2), options(),
                         data(), {"joint"}, /*seed=*/2);
    train::TrainOptions settings;
    settings.settings.batch_size = 4;
    settings.save_every = 2;
    settings.steps = steps;
    settings.stages = {{.name = "joint", .steps = 4}};
    train::RunInfo info;
    info.folder = folder / name;
    info.seed = 2;
    return train::train(task, settings, info);
  };
  const train::TrainResult straight = run("straight", 4);
  const io::TensorMap weights =
      io::load_safetensors(straight.checkpoint / "state/weights.safetensors");
  int64_t num_adapters = 0;
  for (const auto& [name, tensor] : weights) {
    if (name.find("model.llm.") == std::string::npos) continue;
    EXPECT_NE(name.find("lora_"), std::string::npos) << name;
    ++num_adapters;
  }
  EXPECT_GT(num_adapters, 0);

  run("resumed", 2);
  const train::TrainResult resumed = run("resumed", 4);
  for (const auto& [name, tensor] :
       io::load_safetensors(resumed.checkpoint / "state/weights.safetensors"))
    EXPECT_TRUE(tensor.equal(weights.at(name))) << name;

  run("other", 2);
  io::TensorMap base = io::load_safetensors(folder / "base/llm/model.safetensors");
  for (auto& [name, tensor] : base) tensor = tensor + 1;
  io::save_safetensors(folder / "base/llm/model.safetensors", base);
  EXPECT_ERROR(run("other", 4), kConfig, "weights of model.parts.llm");
}

}  // namespace
}  // namespace reasonbrain::tasks
