// A small model and the mini world at 32 px, to train with ReasonBrainTask.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/temp_dir.h"
#include "edit/tiny_model.h"
#include "miniworld/miniworld_protocol.h"
#include "miniworld/world.h"
#include "reasonbrain/trainer.h"
#include "tasks/reasonbrain_task.h"

namespace reasonbrain::tasks {

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

  using Change = std::function<void(reason::PipelineOptions&)>;

  static std::shared_ptr<reason::Pipeline> make_pipeline(bool lora = false,
                                                         const Change& change = {}) {
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
    if (change) change(options);
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
    options.joint.edit_share = 0.5;
    options.joint.labels = 0.1;
    options.joint.align = 1;
    options.time.distribution = diffusion::TimeDistribution::kHighNoise;
    options.evaluation.samples = 12;
    options.evaluation.previews = 2;
    return options;
  }

  static std::unique_ptr<ReasonBrainTask> make_task(bool lora = false, const Change& change = {}) {
    return std::make_unique<ReasonBrainTask>(
        make_pipeline(lora, change), options(), data(),
        std::vector<std::string>{"reasoner", "painter", "joint"}, /*seed=*/2);
  }

  // All that acts on picture tokens in training alone.
  static void select_in_training(reason::PipelineOptions& pipeline) {
    reason::ReasonOptions& options = pipeline.reason;
    options.token_selection.enabled = true;
    options.token_selection.layer = 0;
    options.token_selection.keep_min = 1;
    options.token_selection.keep_all_prob = 0.5;
    options.token_selection.warmup_samples = 16;
    options.token_propagation.enabled = true;
    options.token_propagation.form = reason::PropagationForm::kPenalty;
    options.token_propagation.penalty_weight = 0.1;
    options.contrast.enabled = true;
    options.contrast.every = 2;
    options.contrast.margin = 1.5;
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

  // Pictures of another size than the model's.
  static data::Sample sample_of_side(int64_t side) {
    miniworld::MiniWorldOptions options;
    options.size = side;
    options.count = 4;
    return miniworld::MiniWorld(options).get(1);
  }

  inline static TempDir* folder_ = nullptr;
};

}  // namespace reasonbrain::tasks
