// What must hold of objectives, paths, draws, guidance and the sampling loop.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/rng_tensor.h"
#include "diffusion/denoise.h"
#include "diffusion/guidance.h"
#include "diffusion/schedule.h"
#include "diffusion/time_draw.h"

namespace reasonbrain::diffusion {
namespace {

double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

SchedulerConfig config_of(const std::string& class_name) {
  SchedulerConfig config;
  config.class_name = class_name;
  config.clip_sample = false;
  return config;
}

TEST(Objective, AnswersLeadBackToPictureAndNoise) {
  Rng rng(1);
  const torch::Tensor x0 = randn(rng, {2, 3}), noise = randn(rng, {2, 3});
  const double angle = 0.7;
  for (const Objective objective :
       {Objective::kEpsilon, Objective::kV, Objective::kFlow, Objective::kSample}) {
    const NoiseLevel<double> level = objective == Objective::kFlow
                                         ? NoiseLevel<double>{0.4, 0.6}
                                         : NoiseLevel<double>{std::cos(angle), std::sin(angle)};
    const torch::Tensor x_t = mix(x0, noise, level);
    const torch::Tensor answer = target(objective, x0, noise, level);
    EXPECT_LT(distance(predicted_x0(objective, answer, x_t, level), x0), 1e-5);
    EXPECT_LT(distance(predicted_noise(objective, answer, x_t, level), noise), 1e-5);
  }
}

TEST(Schedule, FlowPathRunsFromPictureToNoise) {
  Rng rng(2);
  const torch::Tensor x0 = randn(rng, {3, 2, 2}), noise = randn(rng, {3, 2, 2});
  const torch::Tensor x_t = mix(x0, noise, flow_level(torch::tensor({0.0, 0.5, 1.0}), x0));
  EXPECT_EQ(distance(x_t[0], x0[0]), 0);
  EXPECT_LT(distance(x_t[1], (x0[1] + noise[1]) / 2), 1e-6);
  EXPECT_EQ(distance(x_t[2], noise[2]), 0);
}

TEST(Schedule, ZeroSnrEndsInPureNoise) {
  SchedulerConfig config = config_of("DDPMScheduler");
  config.rescale_betas_zero_snr = true;
  EXPECT_NEAR(alphas_cumprod(config).back(), 0, 1e-12);
}

TEST(TimeDraw, StaysInRangeAndFollowsItsDistribution) {
  TimeOptions high{.distribution = TimeDistribution::kHighNoise, .min_time = 0.02};
  constexpr int kDraws = 20000;
  int pure = 0;
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    Rng rng(7, {static_cast<uint64_t>(i)});
    const double t = draw_time(high, rng);
    ASSERT_GE(t, 0.02);
    ASSERT_LE(t, 1);
    if (t == 1) ++pure;
    sum += t;
  }
  EXPECT_NEAR(pure / double{kDraws}, 0.3, 0.015);
  EXPECT_NEAR(sum / kDraws, 0.3 + 0.7 * (0.02 + 0.98 * 2 / 3), 0.01);  // E[1 - (1-u)^2] = 2/3

  TimeOptions logit{.distribution = TimeDistribution::kLogitNormal, .shift = 3};
  int above = 0;
  for (int i = 0; i < kDraws; ++i) {
    Rng rng(8, {static_cast<uint64_t>(i)});
    if (draw_time(logit, rng) > 0.75) ++above;  // the median 1/2, shifted
  }
  EXPECT_NEAR(above / double{kDraws}, 0.5, 0.015);
}

TEST(TimeDraw, DependsOnItsStreamOnlyAndKnowsPureNoise) {
  for (uint64_t i = 0; i < 100; ++i) {
    Rng rng(1, {i}), again(1, {i});
    EXPECT_EQ(draw_time({}, rng), draw_time({}, again));
  }
  Rng rng(1);
  const TimeOptions pure{.distribution = TimeDistribution::kHighNoise, .pure_noise_share = 1};
  EXPECT_EQ(draw_time(pure, rng), 1);
}

TEST(Guidance, EqualsTheFormulaAndSkipsPassesThatDoNotCount) {
  Rng rng(3);
  const torch::Tensor u = randn(rng, {2, 3}), i = randn(rng, {2, 3}), c = randn(rng, {2, 3});
  const auto all = guidance_passes(7.5, 1.5);
  ASSERT_EQ(all.size(), 3u);
  const torch::Tensor expected = u + 7.5 * (c - i) + 1.5 * (i - u);
  EXPECT_LT(distance(combine_guidance(at::cat({u, i, c}), all), expected), 1e-5);

  const auto plain = guidance_passes(1, 1);
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].kind, PassKind::kFull);
  EXPECT_EQ(distance(combine_guidance(c, plain), c), 0);

  const auto text_only = guidance_passes(4, 1);  // i + 4 (c - i)
  ASSERT_EQ(text_only.size(), 2u);
  EXPECT_EQ(text_only[0].kind, PassKind::kImage);
  EXPECT_LT(distance(combine_guidance(at::cat({i, c}), text_only), i + 4 * (c - i)), 1e-5);
  EXPECT_EQ(guidance_passes(0, 0).at(0).kind, PassKind::kNone);
}

// Whoever predicts the true picture at every level arrives at it.
class PerfectDenoiser : public ::testing::TestWithParam<std::string> {};

TEST_P(PerfectDenoiser, ArrivesAtThePicture) {
  SchedulerConfig config = config_of(GetParam());
  config.prediction_type = PredictionType::kSample;
  const auto sampler = Sampler::make(config);
  sampler->set_timesteps(6);
  Rng rng(4);
  const torch::Tensor picture = rand(rng, {2, 3, 4, 4}, -1, 1);
  int64_t steps = 0;
  const torch::Tensor result = denoise(
      *sampler, [&](const torch::Tensor&, double) { return picture; }, randn(rng, {2, 3, 4, 4}),
      keyed_noise({Rng(1), Rng(2)}),
      [&](int64_t step, const SampledStep& r) {
        EXPECT_EQ(step, steps++);
        EXPECT_EQ(distance(r.x0, picture), 0);
      });
  EXPECT_EQ(steps, 6);
  EXPECT_LT(distance(result, picture), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Samplers, PerfectDenoiser,
                         ::testing::Values("DDIMScheduler", "FlowMatchEulerDiscreteScheduler",
                                           "EulerDiscreteScheduler",
                                           "EulerAncestralDiscreteScheduler",
                                           "DPMSolverMultistepScheduler"));

TEST(Sampler, FlowStepsOfTheUniformSpacing) {
  const auto sampler = Sampler::make(config_of("FlowMatchEulerDiscreteScheduler"));
  sampler->set_timesteps(4);
  EXPECT_EQ(sampler->timesteps(), (std::vector<double>{1000, 750, 500, 250}));
}

TEST(Sampler, NoiseOfAPictureDoesNotDependOnItsBatch) {
  const torch::Tensor both = keyed_noise({Rng(1, {5}), Rng(1, {6})})({2, 3, 2});
  const torch::Tensor second = keyed_noise({Rng(1, {6})})({1, 3, 2});
  EXPECT_EQ(distance(both[1], second[0]), 0);
  EXPECT_THROW(keyed_noise({Rng(1)})({2, 3}), Error);
}

TEST(Scheduler, NullSwitchesAreOffAndDefaultsThoseOfTheClass) {
  const auto defaults = [](const char* json) {
    return SchedulerConfig::defaults_for(nlohmann::json::parse(json));
  };
  EXPECT_TRUE(defaults(R"({"_class_name": "DDIMScheduler"})").set_alpha_to_one);
  EXPECT_FALSE(defaults(R"({"_class_name": "PNDMScheduler"})").set_alpha_to_one);
  EXPECT_FALSE(defaults(R"({"set_alpha_to_one": null})").set_alpha_to_one);
  EXPECT_FALSE(defaults(R"({"clip_sample": null})").clip_sample);
  EXPECT_FALSE(defaults(R"({"lower_order_final": null})").lower_order_final);
  EXPECT_TRUE(defaults(R"({"lower_order_final": null})").clip_sample);
  for (const char* strange : {"[]", "null", R"({"_class_name": 5})"})
    EXPECT_EQ(defaults(strange).class_name, SchedulerConfig().class_name);
}

TEST(Sampler, StepsThatTheOffsetLeadsTooFarAreAMistakeOfUse) {
  SchedulerConfig config = config_of("DDIMScheduler");
  config.steps_offset = 1;
  const auto sampler = Sampler::make(config);
  try {
    sampler->set_timesteps(1000);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage) << error.what();
  }
  sampler->set_timesteps(500);
}

TEST(Sampler, RefusesWhatItCannotDo) {
  EXPECT_THROW(Sampler::make(config_of("HeunDiscreteScheduler")), Error);
  EXPECT_THROW(Sampler::make(config_of("PNDMScheduler")), Error);  // with its Runge-Kutta start
  const auto sampler = Sampler::make(config_of("DDIMScheduler"));
  EXPECT_THROW(sampler->set_timesteps(0), Error);
  EXPECT_THROW(sampler->set_timesteps(1001), Error);
  SchedulerConfig both = config_of("EulerDiscreteScheduler");
  both.use_karras_sigmas = both.use_beta_sigmas = true;
  EXPECT_THROW(Sampler::make(both), Error);
  const auto refuses = [](const std::string& key, auto change) {
    SchedulerConfig config = config_of("DPMSolverMultistepScheduler");
    change(config);
    try {
      Sampler::make(config);
      ADD_FAILURE() << key << " was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("'" + key + "'"), std::string::npos) << error.what();
    }
  };
  refuses("thresholding", [](SchedulerConfig& c) { c.thresholding = true; });
  refuses("algorithm_type", [](SchedulerConfig& c) { c.algorithm_type = "sde-dpmsolver++"; });
  refuses("solver_type", [](SchedulerConfig& c) { c.solver_type = "bh3"; });
  refuses("solver_type", [](SchedulerConfig& c) { c.solver_type = ""; });
  refuses("algorithm_type", [](SchedulerConfig& c) { c.algorithm_type = "deis"; });
  refuses("variance_type", [](SchedulerConfig& c) { c.variance_type = "learned"; });
  refuses("rescale_betas_zero_snr", [](SchedulerConfig& c) {
    c.class_name = "PNDMScheduler";
    c.skip_prk_steps = c.rescale_betas_zero_snr = true;
  });
  SchedulerConfig unread = config_of("EulerAncestralDiscreteScheduler");  // has no such keys
  unread.thresholding = unread.invert_sigmas = true;
  unread.algorithm_type = "sde-dpmsolver++";
  unread.solver_type = "bh3";
  unread.variance_type = "learned";
  EXPECT_NO_THROW(Sampler::make(unread));
  SchedulerConfig of_unipc = config_of("DPMSolverMultistepScheduler");
  of_unipc.solver_type = "bh2";
  EXPECT_NO_THROW(Sampler::make(of_unipc));
  SchedulerConfig mismatch = config_of("DDIMScheduler");
  mismatch.prediction_type = PredictionType::kFlow;
  EXPECT_THROW(Sampler::make(mismatch), Error);
  const auto ancestral = Sampler::make(config_of("EulerAncestralDiscreteScheduler"));
  ancestral->set_timesteps(2);
  EXPECT_THROW(ancestral->step(at::zeros({1, 2}), 0, at::zeros({1, 2})), Error);
}

}  // namespace
}  // namespace reasonbrain::diffusion
