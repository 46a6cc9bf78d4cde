// What the denoiser around a UNet makes of the backbone's output.
#include "reason/unet_denoiser.h"

#include <gtest/gtest.h>

#include "core/rng_tensor.h"
#include "nn/state_dict.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {
namespace {

constexpr int64_t kWidth = 8, kContextTokens = 3, kBlock = 2, kSide = 8;  // of blocks
constexpr int64_t kColours = 3 * kBlock * kBlock, kGates = kBlock * kBlock;

DenoiserOptions options_of(Prediction prediction) {
  DenoiserOptions options;
  options.codec = LatentCodec::kPixelBlocks;
  options.pixel_block = kBlock;
  options.prediction = prediction;
  return options;
}

std::shared_ptr<UNetDenoiser> make(Prediction prediction, int64_t extra_channels = 0) {
  const DenoiserOptions options = options_of(prediction);
  models::unet::UNetConfig config;
  config.in_channels = kColours;
  config.out_channels = UNetDenoiser::output_channels(options, kColours) + extra_channels;
  config.block_out_channels = {8, 8};
  config.down_block_types = {"DownBlock2D", "CrossAttnDownBlock2D"};
  config.up_block_types = {"CrossAttnUpBlock2D", "UpBlock2D"};
  config.layers_per_block = {1};
  config.cross_attention_dim = {kWidth};
  config.attention_head_dim = {2};
  config.norm_num_groups = 4;
  const auto denoiser = std::make_shared<UNetDenoiser>(
      options, models::unet::UNet(config, nn::Build{}),
      prediction == Prediction::kCopyPaint ? diffusion::Objective::kSample
                                           : diffusion::Objective::kFlow,
      DenoiserSizes{kWidth, kContextTokens}, models::vae::AutoencoderKL(nullptr), nn::Build{});
  nn::init_weights(*denoiser, /*seed=*/4);
  return denoiser;
}

struct Given {
  explicit Given(int64_t batch) {
    Rng rng(8);
    Guidance guidance;
    guidance.context = randn(rng, {batch, kContextTokens, kWidth});
    source = randn(rng, {batch, kColours, kSide, kSide});
    z = randn(rng, {batch, kColours, kSide, kSide});
    t = at::full({batch}, 700.0);
    condition = Denoiser::condition(guidance, source);
  }
  torch::Tensor source, z, t;
  Condition condition;
};

// The backbone says the same everywhere: one value for paint and one for the gate.
void say_everywhere(UNetDenoiser& denoiser, double paint, double gate) {
  const torch::NoGradGuard no_grad;
  for (auto& entry : denoiser.unet->named_parameters()) {
    if (entry.key() == "conv_out.weight") entry.value().zero_();
    if (entry.key() != "conv_out.bias") continue;
    entry.value().narrow(0, 0, kColours).fill_(paint);
    entry.value().narrow(0, kColours, kGates).fill_(gate);
  }
}

// Each picture's median colour, as a latent that is everywhere the same.
torch::Tensor ground_of(UNetDenoiser& denoiser, const torch::Tensor& source) {
  const torch::Tensor sorted = std::get<0>(denoiser.decode(source).flatten(2).sort(2));
  const torch::Tensor median = sorted.select(2, (sorted.size(2) - 1) / 2);  // [N, 3]
  const int64_t side = kSide * kBlock;
  return denoiser.encode(median.view({-1, 3, 1, 1}).expand({-1, -1, side, side}));
}

TEST(UNetDenoiser, AGateChoosesBetweenTheSourceAndThePaintOnItsGround) {
  const torch::NoGradGuard no_grad;
  const Given given(2);
  const auto denoiser = make(Prediction::kCopyPaint);
  EXPECT_EQ(denoiser->objective(), diffusion::Objective::kSample);
  const auto answer = [&] { return denoiser->forward(given.z, given.t, given.condition); };
  say_everywhere(*denoiser, 0.25, /*gate=*/-40);
  EXPECT_TRUE(at::allclose(answer(), given.source, 0, 1e-6));
  const torch::Tensor ground = ground_of(*denoiser, given.source);
  say_everywhere(*denoiser, 0, /*gate=*/40);
  EXPECT_TRUE(at::allclose(answer(), ground, 0, 1e-6));
  say_everywhere(*denoiser, 0.25, /*gate=*/40);
  EXPECT_TRUE(at::allclose(answer(), ground + 0.5, 0, 1e-6));
  say_everywhere(*denoiser, 0.25, /*gate=*/2);  // half open
  EXPECT_TRUE(at::allclose(answer(), (given.source + ground + 0.5) / 2, 0, 1e-5));
}

// Pixel unshuffling keeps the pixels of a colour together, so that gate k is pixel k of each.
TEST(UNetDenoiser, AGateBelongsToOnePixelAndAllItsColours) {
  const torch::NoGradGuard no_grad;
  const Given given(1);
  const auto denoiser = make(Prediction::kCopyPaint);
  say_everywhere(*denoiser, 0.25, /*gate=*/-40);
  for (auto& entry : denoiser->unet->named_parameters()) {
    if (entry.key() == "conv_out.bias") entry.value()[kColours + 1].fill_(40);  // upper right
  }
  const torch::Tensor change =
      denoiser->decode(denoiser->forward(given.z, given.t, given.condition) - given.source);
  const torch::Tensor changed = change.abs() > 1e-4;
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < 4; ++x) {
      const bool all = changed[0].select(1, y).select(1, x).all().item<bool>();
      const bool any = changed[0].select(1, y).select(1, x).any().item<bool>();
      EXPECT_EQ(all, y % 2 == 0 && x % 2 == 1) << y << " " << x;
      EXPECT_EQ(any, all) << y << " " << x;
    }
  }
}

TEST(UNetDenoiser, BatchEqualsSingles) {
  const torch::NoGradGuard no_grad;
  const Given given(3);
  const auto denoiser = make(Prediction::kCopyPaint);
  const torch::Tensor all = denoiser->forward(given.z, given.t, given.condition);
  for (int64_t i = 0; i < 3; ++i) {
    const auto one = [i](const torch::Tensor& x) { return x.narrow(0, i, 1); };
    Condition condition = given.condition;
    for (torch::Tensor* x :
         {&condition.context, &condition.source, &condition.keep_text, &condition.keep_image})
      *x = one(*x);
    const torch::Tensor alone = denoiser->forward(one(given.z), one(given.t), condition);
    EXPECT_TRUE(at::allclose(alone, one(all), 1e-5, 1e-5));
  }
}

TEST(UNetDenoiser, ChannelsThatDoNotFitAreNamed) {
  try {
    make(Prediction::kCopyPaint, /*extra_channels=*/1);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_NE(std::string(error.what()).find("16"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("17"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace reasonbrain::reason
