// Schedules and samplers against diffusers, step by step (scripts/golden/samplers.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "diffusion/sampler.h"
#include "diffusion/schedule.h"
#include "io/json.h"
#include "io/json_options.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::diffusion {
namespace {

constexpr double kTolerance = 1e-5;  // of the largest value
// Near pure noise alpha goes down to 2^-12 and below, and the reference's float32 coefficients lose
// as many digits; ours are in float64.
constexpr double kNoisyTolerance = 2e-3;
constexpr double kNoisyAlphaBar = 1e-6;
// Random configurations reach betas of 1e-5, where 1 - alpha / alpha' has few digits in float32.
constexpr double kRandomTolerance = 1e-4;

double largest(const torch::Tensor& x) {
  return x.abs().max().item<double>();
}

double relative_error(const torch::Tensor& got, const torch::Tensor& expected, double scale = 0) {
  return largest(got.to(torch::kFloat64) - expected.to(torch::kFloat64)) /
         std::max({scale, largest(expected), 1e-30});
}

SchedulerConfig config_of(const io::SafetensorsFile& file) {
  const nlohmann::json json = io::parse_json(file.metadata().at("config"), "config");
  SchedulerConfig config = SchedulerConfig::defaults_for(json);
  io::read_json_options(json, config, "config", {.ignore_unknown = true});
  return config;
}

void check_training(const io::SafetensorsFile& file, double tolerance) {
  const DiscreteSchedule schedule(config_of(file));
  const torch::Tensor t = file.tensor("t"), x0 = file.tensor("x0"), noise = file.tensor("noise");
  EXPECT_LE(relative_error(torch::tensor(schedule.alphas_cumprod(), torch::kFloat64),
                           file.tensor("alphas_cumprod")),
            tolerance);
  EXPECT_LE(relative_error(mix(x0, noise, schedule.level(t, x0)), file.tensor("noisy")), tolerance);
  EXPECT_LE(relative_error(target(Objective::kV, x0, noise, schedule.level(t, x0)),
                           file.tensor("velocity")),
            tolerance);
}

void check_sampling(const io::SafetensorsFile& file, double least_tolerance) {
  const SchedulerConfig config = config_of(file);
  const bool noisy = !config.is_flow() && alphas_cumprod(config).back() < kNoisyAlphaBar;
  const double tolerance = noisy ? kNoisyTolerance : least_tolerance;
  const auto sampler = Sampler::make(config);
  sampler->set_timesteps(std::stoll(file.metadata().at("num_steps")),
                         std::stoll(file.metadata().at("image_seq_len")));
  // DPM-Solver cuts the timesteps of these spacings off to integers: the last bit of numpy's
  // logarithm may decide.
  const bool cut = config.class_name == "DPMSolverMultistepScheduler" &&
                   (config.use_exponential_sigmas || config.use_beta_sigmas);
  const torch::Tensor timesteps = torch::tensor(sampler->timesteps(), torch::kFloat64);
  ASSERT_EQ(timesteps.sizes(), file.tensor("timesteps").sizes());
  ASSERT_LE(largest(timesteps - file.tensor("timesteps")),
            cut ? 1 : 1e-6 * static_cast<double>(config.num_train_timesteps));
  EXPECT_NEAR(sampler->initial_sigma() / file.tensor("initial_sigma").item<double>(), 1, 1e-5);

  const torch::Tensor answers = file.tensor("answers");
  torch::Tensor x = file.tensor("initial") * sampler->initial_sigma();
  for (int64_t i = 0; i < sampler->num_steps(); ++i) {
    EXPECT_LE(relative_error(sampler->scale_model_input(x, i), file.tensor("inputs")[i]), tolerance)
        << i;
    NoiseSource noise;
    if (file.contains("fresh")) noise = [&](torch::IntArrayRef) { return file.tensor("fresh")[i]; };
    const double scale =
        largest(x);  // a step from much noise to little rounds at the scale of the noise
    x = sampler->step(answers[i], i, x, noise).sample;
    EXPECT_LE(relative_error(x, file.tensor("samples")[i], scale), tolerance) << "step " << i;
  }
}

TEST(Diffusion, MatchesReference) {
  std::vector<std::filesystem::path> folders{std::filesystem::path(RB_TEST_DATA) / "schedules"};
  if (const char* extra = std::getenv("RB_GOLDEN_DIR")) folders.emplace_back(extra);
  int64_t count = 0;
  for (const auto& folder : folders) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const io::SafetensorsFile file(entry.path());
      SCOPED_TRACE(entry.path().filename().string() + " " + file.metadata().at("config"));
      const double tolerance = folder == folders[0] ? kTolerance : kRandomTolerance;
      file.metadata().at("kind") == "training" ? check_training(file, tolerance)
                                               : check_sampling(file, tolerance);
      ++count;
    }
  }
  EXPECT_GE(count, 20);
}

}  // namespace
}  // namespace reasonbrain::diffusion
