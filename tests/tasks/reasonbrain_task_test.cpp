// The task that trains ReasonBrain, on a small model and the mini world at 32 px.
#include <cmath>

#include "core/expect_error.h"
#include "core/temp_dir.h"
#include "edit/tiny_model.h"
#include "miniworld/miniworld_protocol.h"
#include "miniworld/world.h"
#include "reasonbrain/trainer.h"
#include "tasks/reasonbrain_task.h"

namespace reasonbrain::tasks {
namespace {

class ReasonBrainTaskTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempDir;
    text::train_llama_tokenizer(miniworld::corpus(1, 200), miniworld::all_words(),
                                folder_->path() / "llm");
    text::train_clip_tokenizer(miniworld::all_words(), folder_->path() / "text");
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static std::shared_ptr<reason::Pipeline> make_pipeline(bool lora = false) {
    reason::PipelineOptions options = edit::tiny_options(folder_->path());
    options.llm.vocab_size = text::load_tokenizer(folder_->path() / "llm")->vocab_size();
    const auto clip = text::load_tokenizer(folder_->path() / "text");
    options.text.vocab_size = clip->vocab_size();
    options.text.eos_token_id = *clip->eos_id();
    options.reason.num_guidance_tokens = 8;
    options.reason.num_queries = 8;
    options.reason.prompt.max_instruction_tokens = 64;
    for (auto* part : {&options.parts.vision, &options.parts.text, &options.parts.llm,
                       &options.parts.denoiser}) {
      part->train = reason::TrainMode::kFull;
    }
    if (lora) options.parts.llm.train = reason::TrainMode::kLora;
    return reason::Pipeline::create(options, Placement{}, /*seed=*/2);
  }

  static TaskData data() {
    miniworld::MiniWorldOptions options;
    options.size = edit::kTinySide;
    options.count = 64;
    TaskData out;
    out.train = std::make_shared<miniworld::MiniWorld>(options);
    options.split = "val";
    options.count = 12;
    out.validation = std::make_shared<miniworld::MiniWorld>(options);
    out.protocol = std::make_shared<miniworld::MiniWorldProtocol>();
    return out;
  }

  static TaskOptions options() {
    TaskOptions options;
    options.reasoner.labels = 0.5;
    options.painter.l1 = 0.1;
    options.painter.edit_weight = 5;
    options.joint.labels = 0.1;
    options.joint.align = 1;
    options.time.distribution = diffusion::TimeDistribution::kHighNoise;
    options.evaluation.samples = 12;
    options.evaluation.previews = 2;
    return options;
  }

  static std::unique_ptr<ReasonBrainTask> make_task(bool lora = false) {
    return std::make_unique<ReasonBrainTask>(
        make_pipeline(lora), options(), data(),
        std::vector<std::string>{"reasoner", "painter", "joint"}, /*seed=*/2);
  }

  static std::unique_ptr<train::Batch> batch(const ReasonBrainTask& task, int64_t begin,
                                             int64_t end) {
    std::vector<data::Sample> samples;
    train::BatchInfo info;
    for (int64_t i = begin; i < end; ++i) {
      samples.push_back(task.source()->get(i));
      info.indices.push_back(i);
    }
    return task.collate(std::move(samples), info);
  }

  inline static TempDir* folder_ = nullptr;
};

TEST_F(ReasonBrainTaskTest, LossesOfABatchAreThoseOfItsParts) {
  const auto task = make_task();
  torch::NoGradGuard no_grad;
  for (const std::string& stage : task->stages()) {
    task->begin_stage(stage);
    const auto whole = batch(*task, 0, 6), first = batch(*task, 0, 2), rest = batch(*task, 2, 6);
    const auto counts = task->counts(*whole), counts_a = task->counts(*first),
               counts_b = task->counts(*rest);
    const auto terms = task->losses(*whole), a = task->losses(*first), b = task->losses(*rest);
    ASSERT_EQ(terms.size(), counts.size());
    for (size_t i = 0; i < terms.size(); ++i) {
      EXPECT_EQ(terms[i].name, counts[i].name);
      const double sum = terms[i].sum.item<double>();
      EXPECT_NEAR(sum, a[i].sum.item<double>() + b[i].sum.item<double>(),
                  2e-4 * std::max(1.0, std::abs(sum)))
          << stage << " " << terms[i].name;
      EXPECT_NEAR(counts[i].count, counts_a[i].count + counts_b[i].count,
                  1e-6 * std::max(1.0, counts[i].count));
    }
  }
}

TEST_F(ReasonBrainTaskTest, EveryTrainableParameterOfAStageGetsAGradient) {
  for (const bool lora : {false, true}) {
    const auto task = make_task(lora);
    {
      torch::NoGradGuard no_grad;  // leave the zero points that block gradients
      for (auto& parameter : task->module().named_parameters()) {
        if (parameter.key().find("residual_") != std::string::npos) parameter.value().fill_(0.01);
      }
    }
    for (const std::string& stage : task->stages()) {
      task->begin_stage(stage);
      for (auto& parameter : task->module().named_parameters())
        parameter.value().mutable_grad() = torch::Tensor();
      torch::Tensor total = at::zeros({});
      for (const auto& term : task->losses(*batch(*task, 0, 24)))
        total = total + term.sum * term.weight;
      total.backward();
      size_t in_groups = 0;
      for (const auto& group : task->parameter_groups()) in_groups += group.parameters.size();
      size_t trainable = 0;
      for (const auto& parameter : task->module().named_parameters()) {
        const bool has = parameter.value().grad().defined();
        EXPECT_EQ(has, parameter.value().requires_grad()) << stage << " " << parameter.key();
        trainable += parameter.value().requires_grad() ? 1 : 0;
      }
      EXPECT_EQ(in_groups, trainable) << stage;
    }
  }
}

TEST_F(ReasonBrainTaskTest, ThreeStagesTrainEvaluateAndExport) {
  const auto task = make_task();
  train::TrainOptions options;
  options.settings.batch_size = 4;
  options.settings.warmup_steps = 1;
  options.save_every = 2;
  options.eval_every = 2;
  options.sample_every = 2;
  for (const std::string& name : task->stages()) {
    train::StageOptions stage;
    stage.name = name;
    stage.steps = 2;
    options.stages.push_back(stage);
  }
  const TempDir run;
  train::RunInfo info;
  info.folder = run.path() / "run";
  info.seed = 2;
  const train::TrainResult result = train::train(*task, options, info);
  EXPECT_EQ(result.steps, 6);
  EXPECT_TRUE(std::isfinite(result.loss));
  EXPECT_TRUE(result.metrics.contains("val_rule_confident"));
  EXPECT_TRUE(result.metrics.contains("val_answer"));
  const auto loaded = reason::Pipeline::load(run.path() / "run", Placement{});
  EXPECT_EQ(loaded->options().preset, "tiny");
}

TEST_F(ReasonBrainTaskTest, UnknownStageIsRefused) {
  const auto task = make_task();
  EXPECT_ERROR(task->begin_stage("alignment"), kConfig, "expected reasoner, painter or joint");
}

}  // namespace
}  // namespace reasonbrain::tasks
