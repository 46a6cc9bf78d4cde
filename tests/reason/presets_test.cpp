// What presets switch that the small models of other tests do not: tower states for regions,
// transformer blocks alone, sizes without memory.
#include "reason/pipeline_fixture.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {
namespace {

TEST_F(PipelineTest, AttentionModeTrainsTheTransformerBlocksOnly) {
  PipelineOptions changed = options();
  changed.parts.denoiser.train = TrainMode::kAttention;
  const auto pipeline = Pipeline::create(changed, Placement{}, /*seed=*/4);
  pipeline->train_joint(/*seed=*/4);
  int64_t trained = 0;
  for (const auto& entry : pipeline->denoiser().named_parameters()) {
    if (entry.key().rfind("unet.", 0) != 0) continue;
    const bool block = entry.key().find(".attentions.") != std::string::npos;
    EXPECT_EQ(entry.value().requires_grad(), block) << entry.key();
    trained += block;
  }
  EXPECT_GT(trained, 10);
}

TEST_F(PipelineTest, ModesThatAPartDoesNotHaveAreRefused) {
  PartsOptions vision, vae;
  vision.vision.train = TrainMode::kAttention;
  vae.vae.train = TrainMode::kFull;  // the codec never learns
  EXPECT_THROW(vision.validate(), Error);
  EXPECT_THROW(vae.validate(), Error);
  EXPECT_NO_THROW(PartsOptions().validate());
}

TEST_F(PipelineTest, RegionsOfTheTowerKeepItsWidthAndLearn) {
  PipelineOptions changed = options();
  changed.vision.hidden_size = 48;  // unlike reason.width
  changed.reason.frce.region_input = RegionInput::kTower;
  const auto pipeline = Pipeline::create(changed, Placement{}, /*seed=*/4);
  pipeline->train_joint(/*seed=*/4);
  const ModelOutputs out =
      pipeline->reason(pipeline->encode(pipeline->processor()(pictures())), /*want_logits=*/false);
  out.cues.regions.square().sum().backward();
  const torch::Tensor weight = pipeline->model->named_parameters()["frce.region_proj.weight"];
  EXPECT_EQ(weight.sizes(), (std::vector<int64_t>{changed.reason.width, 48}));
  ASSERT_TRUE(weight.grad().defined());
  EXPECT_TRUE(weight.grad().isfinite().all().item<bool>());
  EXPECT_GT(weight.grad().abs().sum().item<double>(), 0);
  // F has no part in them any more.
  const torch::Tensor scale = pipeline->model->named_parameters()["frce.scale_proj.0.weight"];
  EXPECT_FALSE(scale.grad().defined());
}

TEST(Pipeline, IsBuiltOnTheMetaDeviceWithoutMemoryOrTokenizers) {
  PipelineOptions large;
  large.vision.hidden_size = 1024;
  large.vision.num_hidden_layers = 24;
  large.vision.num_attention_heads = 16;
  large.llm.num_hidden_layers = 80;
  large.llm.hidden_size = 8192;
  large.llm.intermediate_size = 28672;
  large.llm.num_attention_heads = 64;
  const auto pipeline = Pipeline::create(large, Placement{torch::kMeta}, /*seed=*/1);
  pipeline->train_joint(/*seed=*/1);
  const nn::ParameterCount count = nn::count_parameters(*pipeline);
  EXPECT_GT(count.total, 60'000'000'000);
  EXPECT_GT(count.trainable, 0);
  EXPECT_LT(count.trainable, count.total / 10);
  for (const torch::Tensor& parameter : pipeline->parameters()) ASSERT_TRUE(parameter.is_meta());
}

}  // namespace
}  // namespace reasonbrain::reason
