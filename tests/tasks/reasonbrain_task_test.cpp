// The task that trains ReasonBrain, on a small model and the mini world at 32 px.
#include <cmath>

#include "core/expect_error.h"
#include "io/json.h"
#include "tasks/collate.h"
#include "tasks/task_fixture.h"

namespace reasonbrain::tasks {
namespace {

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

TEST_F(ReasonBrainTaskTest, EveryOtherOutcomeHasTheSameShareOfTheEditDensity) {
  const auto task = make_task();
  data::Sample sample = task->source()->get(0);
  // Black but for what is said of the first pixels.
  const auto picture = [&](const std::vector<uint8_t>& levels) {
    io::Image image = sample.source;
    std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{0});
    for (size_t i = 0; i < levels.size(); ++i)
      std::fill_n(image.pixels.begin() + static_cast<int64_t>(3 * i), 3, levels[i]);
    return image;
  };
  sample.alternatives = {{"more", picture({255, 51, 51, 51})},
                         {"faint", picture({255, 0, 0, 0, 5})},
                         {"none", picture({})}};
  sample.target = picture({255});
  sample.source = picture({});
  train::BatchInfo info;
  info.indices = {0};
  std::vector<data::Sample> samples = {std::move(sample)};
  const auto batch = task->collate(std::move(samples), info);
  const auto& reason = static_cast<const ReasonBatch&>(*batch);
  const auto n = static_cast<float>(edit::kTinySide * edit::kTinySide);
  torch::Tensor mask = torch::zeros_like(reason.edit_mask), density = torch::zeros_like(mask);
  mask.flatten().narrow(0, 0, 5).fill_(1);
  // The source, "more" and "faint" have a third each; "none" is the source again.
  density.flatten()[0] = n / 3 * 0.3f / 1;                           // over the contrast
  density.flatten().narrow(0, 1, 3).fill_(n / 3 / 3 * 0.3f / 0.2f);  // in three pixels
  density.flatten()[4] = n / 3 * 0.3f * 16;                          // taken for 1/16
  EXPECT_TRUE(torch::equal(reason.edit_mask, mask));
  EXPECT_TRUE(torch::allclose(reason.edit_density, density));
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

TEST_F(ReasonBrainTaskTest, SelectionIsDrawnByTheSamplesOfTheStage) {
  const auto task = make_task(/*lora=*/false, select_in_training);
  const auto draw = [&](int64_t epoch, int64_t position) {
    train::BatchInfo info;
    info.epoch = epoch;
    info.first_position = position;
    info.indices = {position};
    std::vector<data::Sample> samples{task->source()->get(position)};
    return static_cast<const ReasonBatch&>(*task->collate(std::move(samples), info)).selection;
  };
  task->begin_stage("reasoner");
  int kept_all = 0, contrasts = 0;
  for (int64_t i = 0; i < 64; ++i) {
    const reason::SelectionDraw now = draw(/*epoch=*/1, i), again = draw(/*epoch=*/1, i);
    EXPECT_EQ(now.strength, again.strength);
    EXPECT_EQ(now.contrast, again.contrast);
    EXPECT_TRUE(now.strength == 0 || now.strength == 1);  // a warm-up of 16 samples is over
    kept_all += now.strength == 0 ? 1 : 0;
    contrasts += now.contrast ? 1 : 0;
  }
  EXPECT_GT(kept_all, 16);
  EXPECT_LT(kept_all, 48);
  EXPECT_GT(contrasts, 16);
  EXPECT_LT(contrasts, 48);
  for (int64_t i = 0; i < 16; ++i) {
    const double strength = draw(/*epoch=*/0, i).strength;
    EXPECT_TRUE(strength == 0 || strength == static_cast<double>(i / 2) / 8) << i;
  }
  task->begin_stage("painter");
  EXPECT_EQ(draw(/*epoch=*/0, 0).strength, 1);
}

TEST_F(ReasonBrainTaskTest, PenaltyAndContrastAreTermsOfTheirOwn) {
  const auto task = make_task(/*lora=*/true, select_in_training);
  task->begin_stage("joint");
  for (auto& entry : task->module().named_parameters()) {
    if (entry.key().find("lora_B") == std::string::npos) continue;
    const torch::NoGradGuard no_grad;
    entry.value().fill_(0.05);
  }
  const auto term = [&](const train::Batch& batch, const std::string& name) {
    const auto counts = task->counts(batch);
    const auto terms = task->losses(batch);
    EXPECT_EQ(terms.size(), counts.size());
    for (size_t i = 0; i < terms.size(); ++i) {
      EXPECT_EQ(terms[i].name, counts[i].name);
      if (terms[i].name == name) return std::pair(terms[i], counts[i].count);
    }
    ADD_FAILURE() << name;
    return std::pair(train::LossTerm{}, 0.0);
  };
  const auto whole = batch(*task, 0, 4), part = batch(*task, 0, 2);
  for (const auto* some : {whole.get(), part.get()}) {
    static_cast<ReasonBatch&>(const_cast<train::Batch&>(*some)).selection = {.contrast = true};
  }
  const auto [penalty, size] = term(*whole, "propagation");
  EXPECT_EQ(penalty.weight, 0.1);
  EXPECT_GT(penalty.sum.item<double>(), 0);
  const auto [half, half_size] = term(*part, "propagation");
  EXPECT_NEAR(penalty.sum.item<double>() / size, half.sum.item<double>() / half_size, 1e-6);
  penalty.sum.backward();
  for (auto& entry : task->module().named_parameters()) {
    const bool reached = entry.value().grad().defined();
    const bool wanted = entry.key().find("llm") != std::string::npos &&
                        entry.key().find("q_proj.lora_") != std::string::npos;
    EXPECT_EQ(reached, wanted) << entry.key();
  }
  const auto [contrast, count] = term(*whole, "contrast");
  EXPECT_EQ(contrast.weight, 0.05);
  EXPECT_EQ(count, 4 * 8);
  EXPECT_GT(contrast.sum.item<double>(), 0);
  EXPECT_LE(contrast.sum.item<double>(), 1.5 * count);
  EXPECT_TRUE(contrast.sum.requires_grad());
  const auto [mass, num_samples] = term(*whole, "selection_mass");
  EXPECT_EQ(mass.weight, 0);
  EXPECT_EQ(num_samples, 4);
  EXPECT_GT(mass.sum.item<double>(), 0);
  EXPECT_LT(mass.sum.item<double>(), num_samples);
  static_cast<ReasonBatch&>(*whole).selection = {};
  const auto [absent, none] = term(*whole, "contrast");
  EXPECT_EQ(none, 0);
  EXPECT_EQ(absent.weight, 0.05);
  EXPECT_EQ(absent.sum.item<double>(), 0);
}

TEST_F(ReasonBrainTaskTest, SelectionInTrainingResumesBitForBit) {
  const TempDir folder;
  const auto run = [&](const std::string& name, int64_t steps) {
    const auto task = make_task(/*lora=*/false, select_in_training);
    train::TrainOptions options;
    options.settings.batch_size = 4;
    options.save_every = 2;
    options.steps = steps;
    train::StageOptions stage;
    stage.name = "reasoner";
    stage.steps = 6;
    options.stages.push_back(stage);
    train::RunInfo info;
    info.folder = folder.path() / name;
    info.seed = 2;
    return train::train(*task, options, info).loss;
  };
  const double straight = run("straight", 6);
  run("resumed", 4);
  EXPECT_EQ(run("resumed", 6), straight);
}

TEST_F(ReasonBrainTaskTest, PicturesOfAnySizeAreFittedToTheCanvas) {
  const auto task = make_task();
  task->begin_stage("joint");
  const torch::NoGradGuard no_grad;
  for (const int64_t side : {40, 64}) {
    std::vector<data::Sample> samples = {sample_of_side(side), sample_of_side(side)};
    const data::Sample fitted = on_canvas(samples[0], edit::kTinySide);
    EXPECT_EQ(fitted.target.width, edit::kTinySide);
    EXPECT_EQ(fitted.instance_map.height, edit::kTinySide);
    ASSERT_FALSE(fitted.alternatives.empty());
    EXPECT_TRUE(fitted.alternatives[0].image.same_shape(fitted.source));
    train::BatchInfo info;
    info.indices = {0, 1};
    const auto mixed = task->collate(std::move(samples), info);
    for (const train::LossTerm& term : task->losses(*mixed))
      EXPECT_TRUE(std::isfinite(term.sum.item<double>())) << term.name << " at " << side;
  }
  data::Sample sample = sample_of_side(48);
  sample.target = sample_of_side(edit::kTinySide).target;
  EXPECT_ERROR(on_canvas(sample, edit::kTinySide), kData, "no target of the source's size");
}

TEST_F(ReasonBrainTaskTest, PartsThatAStageTrainsAreWrittenWhateverTheirPath) {
  const TempDir folder;
  make_pipeline()->save(folder.path() / "model");
  reason::PipelineOptions options = make_pipeline()->options();
  for (const auto& [part, name] :
       {std::pair(&options.parts.llm, "llm"), std::pair(&options.parts.text, "text"),
        std::pair(&options.parts.denoiser, "denoiser")}) {
    part->path = (folder.path() / "model" / name).string();
    part->train = reason::TrainMode::kFrozen;
  }
  const auto saved_paths = [&](const std::vector<std::string>& stages) {
    ReasonBrainTask task(reason::Pipeline::create(options, Placement{}, /*seed=*/2), TaskOptions(),
                         data(), stages, /*seed=*/2);
    const auto out = folder.path() / stages[0];
    task.export_model(out);
    const auto parts = io::read_json(out / "model_index.json").at("parts");
    return std::vector<std::string>{parts.at("llm").at("path"), parts.at("denoiser").at("path")};
  };
  EXPECT_EQ(saved_paths({"joint"}),
            (std::vector<std::string>{options.parts.llm.path, options.parts.denoiser.path}));
  EXPECT_EQ(saved_paths({"reasoner", "joint"}),
            (std::vector<std::string>{"llm", options.parts.denoiser.path}));
  EXPECT_EQ(saved_paths({"painter", "joint"}),
            (std::vector<std::string>{options.parts.llm.path, "denoiser"}));
}

TEST_F(ReasonBrainTaskTest, WhatThePainterIsToldMustFitTheContext) {
  EXPECT_ERROR(make_task(/*lora=*/false,
                         [](reason::PipelineOptions& options) {
                           options.reason.cme.mode = reason::CmeMode::kPlain;
                           options.reason.num_queries = 4;
                         }),
               kConfig, "num_queries");
}

TEST_F(ReasonBrainTaskTest, UnknownStageIsRefused) {
  const auto task = make_task();
  EXPECT_ERROR(task->begin_stage("alignment"), kConfig, "expected reasoner, painter or joint");
}

}  // namespace
}  // namespace reasonbrain::tasks
