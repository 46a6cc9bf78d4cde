// Properties of the whole model that hold whatever its weights.
#include <cmath>

#include "core/expect_error.h"
#include "reason/paint.h"
#include "reason/pipeline_fixture.h"
#include "reason/unet_denoiser.h"

namespace reasonbrain::reason {
namespace {

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>() / std::max(1e-12, b.abs().max().item<double>());
}

TEST_F(PipelineTest, BatchEqualsSingles) {
  torch::NoGradGuard no_grad;
  const auto pipeline = load();
  const auto all = pictures();
  const ModelOutputs batch =
      pipeline->reason(pipeline->encode(pipeline->processor()(all)), /*want_logits=*/true);
  for (size_t i = 0; i < all.size(); ++i) {
    const ModelOutputs one =
        pipeline->reason(pipeline->encode(pipeline->processor()({all[i]})), /*want_logits=*/true);
    const auto row = static_cast<int64_t>(i);
    EXPECT_LT(largest_difference(batch.states[row], one.states[0]), 1e-4) << i;
    EXPECT_LT(largest_difference(batch.guidance.context[row], one.guidance.context[0]), 1e-4) << i;
    EXPECT_LT(
        largest_difference(batch.guidance.residual_visual[row], one.guidance.residual_visual[0]),
        1e-4)
        << i;
    EXPECT_LT(largest_difference(batch.guidance.residual_text[row], one.guidance.residual_text[0]),
              1e-4)
        << i;
    EXPECT_LT(largest_difference(batch.logits[row], one.logits[0]), 1e-4) << i;
  }
}

TEST_F(PipelineTest, NoRegionsAndNoObjectsStayFinite) {
  torch::NoGradGuard no_grad;
  const auto pipeline = load();
  const ModelOutputs out = pipeline->reason(
      pipeline->encode(pipeline->processor()({pictures()[2]})), /*want_logits=*/true);
  EXPECT_TRUE(out.guidance.context.isfinite().all().item<bool>());
  EXPECT_TRUE(out.guidance.residual_visual.isfinite().all().item<bool>());
  EXPECT_EQ(out.cues.regions.size(1), 1);  // the null region
  EXPECT_EQ(out.cues.objects.size(1), 1);  // the null object
}

TEST_F(PipelineTest, RegionsAndObjectsReachTheGuidance) {
  torch::NoGradGuard no_grad;
  const auto pipeline = load();
  const auto run = [&](const Picture& picture) {
    return pipeline->reason(pipeline->encode(pipeline->processor()({picture})), false)
        .guidance.context;
  };
  const Picture picture = pictures()[0];
  Picture no_regions = picture, no_objects = picture, other_text = picture;
  no_regions.instance_map = {};
  no_objects.objects = {};
  other_text.instruction = "What if the wolf left ?";
  const torch::Tensor full = run(picture);
  for (const Picture& changed : {no_regions, no_objects, other_text}) {
    EXPECT_GT(largest_difference(run(changed), full), 1e-5);
  }
}

TEST_F(PipelineTest, UntrainedAdapterLeavesTheBackboneUnchanged) {
  torch::NoGradGuard no_grad;
  const auto pipeline = Pipeline::create(options(), Placement{}, /*seed=*/5);
  auto& denoiser = dynamic_cast<UNetDenoiser&>(pipeline->denoiser());
  const Inputs inputs = pipeline->encode(pipeline->processor()(pictures()));
  Guidance guidance = pipeline->reason(inputs, false).guidance;
  Rng rng(1);
  const torch::Tensor z = at::randn_like(inputs.source), t = at::full({3}, 700.0);
  const torch::Tensor with = denoiser.forward(z, t, Denoiser::condition(guidance, inputs.source));
  guidance.residual_visual = torch::Tensor();
  guidance.residual_text = torch::Tensor();
  // Other source latents enter through conv_src and R through its projections: all of them zero so
  // far. (copy_paint itself reads the source, so the comparison keeps it.)
  const torch::Tensor without =
      denoiser.forward(z, t, Denoiser::condition(guidance, inputs.source));
  EXPECT_TRUE(at::equal(with, without));
}

TEST_F(PipelineTest, ResidualsAreDroppedWithTextOrImage) {
  torch::NoGradGuard no_grad;
  const auto pipeline = Pipeline::create(options(), Placement{}, /*seed=*/5);
  auto& denoiser = pipeline->denoiser();
  for (auto& parameter : denoiser.named_parameters()) {  // leave the zero point
    if (parameter.key().find("residual_") == 0) parameter.value().fill_(0.1);
  }
  const Inputs inputs = pipeline->encode(pipeline->processor()({pictures()[0]}));
  const Guidance guidance = pipeline->reason(inputs, false).guidance;
  Guidance other = guidance;
  other.residual_visual = guidance.residual_visual + 1;
  other.residual_text = guidance.residual_text + 1;
  const torch::Tensor z = at::ones_like(inputs.source), t = at::full({1}, 500.0);
  const auto run = [&](const Guidance& g, double text, double image) {
    Condition condition = Denoiser::condition(g, inputs.source);
    condition.keep_text.fill_(text);
    condition.keep_image.fill_(image);
    return denoiser.forward(z, t, condition);
  };
  EXPECT_FALSE(at::equal(run(guidance, 1, 1), run(other, 1, 1)));
  EXPECT_TRUE(at::equal(run(guidance, 0, 1), run(other, 0, 1)));
  EXPECT_TRUE(at::equal(run(guidance, 1, 0), run(other, 1, 0)));
}

TEST_F(PipelineTest, EveryTrainableParameterOfTheJointModelGetsAGradient) {
  const auto pipeline = Pipeline::create(options(), Placement{}, /*seed=*/5);
  pipeline->encoder->train_towers(true, true);
  const Inputs inputs = pipeline->encode(pipeline->processor()(pictures()));
  const ModelOutputs out = pipeline->reason(inputs, /*want_logits=*/true);
  Condition condition = Denoiser::condition(out.guidance, inputs.source);
  condition.keep_text[2] = 0;
  {
    torch::NoGradGuard no_grad;  // zero-initialised paths pass no gradient to what is behind them
    for (auto& parameter : pipeline->denoiser().named_parameters()) {
      if (parameter.key().find("residual_") == 0) parameter.value().fill_(0.01);
    }
  }
  const torch::Tensor answer =
      pipeline->denoiser().forward(inputs.source, at::full({3}, 700.0), condition);
  (answer.sum() + out.logits.sum() + out.logits.square().sum()).backward();
  for (const auto& parameter : pipeline->named_parameters()) {
    if (!parameter.value().requires_grad()) continue;
    EXPECT_TRUE(parameter.value().grad().defined()) << parameter.key();
  }
}

TEST_F(PipelineTest, SelectionAndPropagationActWhereApplyAtSaysAndTheFolderKeepsIt) {
  torch::NoGradGuard no_grad;
  const PipelineOptions plain = options();
  const auto states = [&](Pipeline& pipeline, bool training) {
    const Inputs inputs = pipeline.encode(pipeline.processor()(pictures()));
    return pipeline.model
        ->forward(inputs, /*want_logits=*/false, /*paint=*/false, /*hook=*/nullptr,
                  {.training = training})
        .states;
  };
  const torch::Tensor untouched = states(*Pipeline::create(plain, Placement{}, /*seed=*/5), false);
  const auto expect_acts = [&](const PipelineOptions& changed, bool in_training,
                               bool in_inference) {
    const auto pipeline = Pipeline::create(changed, Placement{}, /*seed=*/5);
    EXPECT_EQ(!at::equal(states(*pipeline, /*training=*/true), untouched), in_training);
    const TempDir saved;
    pipeline->save(saved.path());
    const auto loaded = Pipeline::load(saved.path(), Placement{});
    EXPECT_EQ(!at::equal(states(*loaded, /*training=*/false), untouched), in_inference);
  };
  PipelineOptions selecting = plain, scaling = plain;
  selecting.reason.token_selection.enabled = true;
  selecting.reason.token_selection.layer = 0;
  selecting.reason.token_selection.keep_count = 2;
  scaling.reason.token_propagation.enabled = true;
  scaling.reason.token_propagation.form = PropagationForm::kActivation;
  for (const ApplyAt at : {ApplyAt::kBoth, ApplyAt::kTrain, ApplyAt::kInfer}) {
    selecting.reason.token_selection.apply_at = scaling.reason.token_propagation.apply_at = at;
    for (const PipelineOptions& changed : {selecting, scaling}) {
      expect_acts(changed, at != ApplyAt::kInfer, at != ApplyAt::kTrain);
    }
  }
}

TEST_F(PipelineTest, ASelectionWithoutALayerBehindItIsRefused) {
  PipelineOptions last = options();
  last.reason.token_selection.enabled = true;
  last.reason.token_selection.layer = last.llm.num_hidden_layers - 1;
  EXPECT_ERROR(Pipeline::create(last, Placement{}, /*seed=*/5), kConfig, "take a lower one");
}

TEST_F(PipelineTest, PaintingIsDeterministicAndGuidanceChangesIt) {
  torch::NoGradGuard no_grad;
  const auto pipeline = load();
  const Inputs inputs = pipeline->encode(pipeline->processor()({pictures()[0]}));
  const Guidance guidance = pipeline->reason(inputs, false).guidance;
  const torch::Tensor noise = at::ones_like(inputs.source);
  const auto run = [&](double text, double image) {
    return paint(pipeline->denoiser(), pipeline->options().scheduler, guidance, inputs.source,
                 noise, {3, text, image});
  };
  EXPECT_TRUE(at::equal(run(1, 1), run(1, 1)));
  EXPECT_FALSE(at::equal(run(1, 1), run(2, 1)));
  EXPECT_TRUE(run(2, 1.5).isfinite().all().item<bool>());
}

}  // namespace
}  // namespace reasonbrain::reason
