// The denoiser around FLUX.
#include "reason/flux_denoiser.h"

#include <gtest/gtest.h>

#include "core/rng_tensor.h"
#include "nn/state_dict.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {
namespace {

constexpr int64_t kWidth = 10, kContextTokens = 5, kChannels = 4;
constexpr int64_t kPooled = 6, kJoint = 12, kPromptTokens = 3;

models::flux::FluxConfig small_flux() {
  models::flux::FluxConfig config;
  config.in_channels = 4 * kChannels;
  config.num_layers = config.num_single_layers = 1;
  config.attention_head_dim = 8;
  config.num_attention_heads = 2;
  config.joint_attention_dim = kJoint;
  config.pooled_projection_dim = kPooled;
  config.guidance_embeds = true;
  config.axes_dims_rope = {2, 2, 4};
  return config;
}

std::shared_ptr<FluxDenoiser> make(const DenoiserOptions& options,
                                   const models::flux::FluxConfig& config,
                                   const FluxTextOptions& text = {}, int64_t pooled_width = kPooled,
                                   int64_t prompt_width = kJoint) {
  models::vae::VaeConfig vae_config;  // as FLUX has it
  vae_config.block_out_channels = {8, 8, 8};
  vae_config.down_block_types.assign(3, "DownEncoderBlock2D");
  vae_config.up_block_types.assign(3, "UpDecoderBlock2D");
  vae_config.norm_num_groups = 4;
  vae_config.latent_channels = kChannels;
  vae_config.shift_factor = 0.1;
  vae_config.use_quant_conv = vae_config.use_post_quant_conv = false;
  models::vae::AutoencoderKL vae(vae_config, nn::Build{});
  const auto denoiser = std::make_shared<FluxDenoiser>(
      options, text, models::flux::Flux(config, nn::Build{}), diffusion::Objective::kFlow,
      /*num_timesteps=*/1000, DenoiserSizes{kWidth, kContextTokens, pooled_width, prompt_width},
      vae, nn::Build{});
  nn::init_weights(*denoiser, /*seed=*/4);
  return denoiser;
}

// CLIP's pooled text and T5's states.
FluxTextOptions own_text() {
  return {.pooled_prompt_embeds = PooledText::kClip,
          .prompt_embeds = true,
          .max_sequence_length = kPromptTokens};
}

std::shared_ptr<FluxDenoiser> make(SourceMode mode, const FluxTextOptions& text = {},
                                   int64_t pooled_width = kPooled) {
  DenoiserOptions options;
  options.backbone = Backbone::kFlux;
  options.source_mode = mode;
  options.distilled_guidance = 2.5;
  return make(options, small_flux(), text, pooled_width);
}

struct Given {
  explicit Given(int64_t batch, int64_t pooled_width = kPooled) {
    Rng rng(8);
    guidance.context = randn(rng, {batch, kContextTokens, kWidth});
    guidance.residual_visual = randn(rng, {batch, 9, kWidth});
    guidance.residual_text = randn(rng, {batch, kWidth});
    source = randn(rng, {batch, kChannels, 8, 8});
    z = randn(rng, {batch, kChannels, 8, 8});
    t = at::full({batch}, 700.0);
    guidance.pooled_prompt_embeds = randn(rng, {batch, pooled_width});
    guidance.prompt_embeds = randn(rng, {batch, kPromptTokens, kJoint});
  }
  Guidance guidance;
  torch::Tensor source, z, t;
};

TEST(FluxDenoiser, PackingIsInvertibleAndKeepsSquaresTogether) {
  const torch::Tensor latent = at::arange(2 * 3 * 4 * 6, torch::kFloat32).view({2, 3, 4, 6});
  const torch::Tensor tokens = pack_latent(latent);
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{2, 6, 12}));
  // Token 4 is row 1, column 1; its second channel begins with row 2, column 2 of the latent.
  EXPECT_EQ(tokens[0][4][4].item<float>(), latent[0][1][2][2].item<float>());
  EXPECT_EQ(tokens[0][4][5].item<float>(), latent[0][1][2][3].item<float>());
  EXPECT_EQ(tokens[0][4][6].item<float>(), latent[0][1][3][2].item<float>());
  EXPECT_TRUE(at::equal(unpack_latent(tokens, 4, 6), latent));
}

torch::Tensor project(FluxDenoiser& denoiser, const torch::Tensor& x, const std::string& name) {
  const nn::StateDict own = nn::state_dict(denoiser);
  return at::linear(x, own.at(name + ".weight"), own.at(name + ".bias"));
}

// The backbone alone, as the untrained adapter should leave it.
torch::Tensor plain(FluxDenoiser& denoiser, const Given& given, const torch::Tensor& context,
                    const torch::Tensor& pooled) {
  const int64_t batch = given.z.size(0);
  models::flux::FluxInputs in;
  in.hidden_states = pack_latent(given.z);
  in.encoder_hidden_states = context;
  in.pooled_projections = pooled;
  in.timestep = at::full({batch}, 700.0) / 1000.0;
  in.guidance = at::full({batch}, 2.5);
  in.txt_ids = at::zeros({context.size(1), 3});
  const torch::Tensor n = at::arange(16, torch::kFloat32);
  in.img_ids = at::stack({at::zeros({16}), at::floor(n / 4), at::fmod(n, 4)}, 1);
  return unpack_latent(denoiser.flux(in), 8, 8);
}

TEST(FluxDenoiser, UntrainedAdapterLeavesTheBackboneUnchanged) {
  torch::NoGradGuard no_grad;
  const auto denoiser = make(SourceMode::kChannel);
  const Given given(3);
  const torch::Tensor with =
      denoiser->forward(given.z, given.t, Denoiser::condition(given.guidance, given.source));
  const torch::Tensor& context = given.guidance.context;
  EXPECT_TRUE(at::equal(with, plain(*denoiser, given, project(*denoiser, context, "context_proj"),
                                    project(*denoiser, context.mean(1), "pooled_proj"))));
}

TEST(FluxDenoiser, TextOfTheInstructionReachesTheBackboneAsItWasTrained) {
  torch::NoGradGuard no_grad;
  for (const int64_t pooled_width : {kPooled, kPooled + 3}) {
    const auto denoiser = make(SourceMode::kChannel, own_text(), pooled_width);
    const Given given(3, pooled_width);
    const torch::Tensor with =
        denoiser->forward(given.z, given.t, Denoiser::condition(given.guidance, given.source));
    const torch::Tensor context = at::cat(
        {given.guidance.prompt_embeds, project(*denoiser, given.guidance.context, "context_proj")},
        1);
    torch::Tensor pooled = given.guidance.pooled_prompt_embeds;
    const bool fits = pooled_width == kPooled;
    EXPECT_NE(nn::state_dict(*denoiser).contains("pooled_proj.weight"), fits);
    if (!fits) pooled = project(*denoiser, pooled, "pooled_proj");
    EXPECT_TRUE(at::equal(with, plain(*denoiser, given, context, pooled)));
  }
}

TEST(FluxDenoiser, DroppedOrMissingTextLeavesNullVectors) {
  torch::NoGradGuard no_grad;
  const auto denoiser = make(SourceMode::kChannel, own_text());
  Rng rng(2);
  for (auto& parameter : denoiser->named_parameters()) {
    if (parameter.key().find("null_") == 0)
      parameter.value().copy_(randn(rng, parameter.value().sizes()));
  }
  const Given given(2);
  Given missing(2), other(2);
  missing.guidance.pooled_prompt_embeds = missing.guidance.prompt_embeds = torch::Tensor();
  other.guidance.pooled_prompt_embeds.neg_();
  Given states(2);
  states.guidance.prompt_embeds.neg_();
  const auto run = [&](const Given& of, double text) {
    Condition condition = Denoiser::condition(of.guidance, of.source);
    condition.keep_text.fill_(text);
    return denoiser->forward(of.z, of.t, condition);
  };
  EXPECT_FALSE(at::equal(run(given, 1), run(other, 1)));
  EXPECT_FALSE(at::equal(run(given, 1), run(states, 1)));
  EXPECT_FALSE(at::equal(run(given, 1), run(missing, 1)));
  const torch::Tensor dropped = run(given, 0);
  EXPECT_TRUE(at::equal(dropped, run(other, 0)));
  EXPECT_TRUE(at::equal(dropped, run(states, 0)));
  EXPECT_TRUE(at::equal(dropped, run(missing, 0)));
}

TEST(FluxDenoiser, ResidualsAndSourceCountUnlessDropped) {
  torch::NoGradGuard no_grad;
  for (const SourceMode mode : {SourceMode::kChannel, SourceMode::kSequence}) {
    const auto denoiser = make(mode);
    Rng rng(6);
    for (auto& parameter : denoiser->named_parameters()) {  // leave the zero point
      const std::string& name = parameter.key();
      if (name.find("residual_") == 0 || name.find("source.") == 0) {
        parameter.value().copy_(randn(rng, parameter.value().sizes()));
      }
    }
    const Given given(1);
    Given other(1);
    other.guidance.residual_visual.add_(at::arange(9).view({1, 9, 1}));
    other.guidance.residual_text.neg_();
    const auto run = [&](const Guidance& guidance, const torch::Tensor& source, double text,
                         double image) {
      Condition condition = Denoiser::condition(guidance, source);
      condition.keep_text.fill_(text);
      condition.keep_image.fill_(image);
      return denoiser->forward(given.z, given.t, condition);
    };
    const torch::Tensor plain = run(given.guidance, given.source, 1, 1);
    EXPECT_EQ(plain.sizes(), given.z.sizes());
    EXPECT_FALSE(at::equal(plain, run(other.guidance, given.source, 1, 1)));
    EXPECT_FALSE(at::equal(plain, run(given.guidance, -given.source, 1, 1)));
    EXPECT_TRUE(at::equal(run(given.guidance, given.source, 0, 1),
                          run(other.guidance, given.source, 0, 1)));
    EXPECT_TRUE(at::equal(run(given.guidance, given.source, 1, 0),
                          run(other.guidance, -given.source, 1, 0)));
  }
}

TEST(FluxDenoiser, EveryTrainableParameterGetsAGradient) {
  for (const FluxTextOptions& text : {FluxTextOptions{}, own_text()}) {
    const auto denoiser = make(SourceMode::kChannel, text, kPooled + 1);
    nn::set_requires_grad(*denoiser, false);
    denoiser->train_backbone(true);
    denoiser->train_adapter(/*residuals=*/true);
    const Given given(2, kPooled + 1);
    Condition condition = Denoiser::condition(given.guidance, given.source);
    condition.keep_text[1] = 0;
    denoiser->forward(given.z, given.t, condition).square().sum().backward();
    for (const auto& parameter : denoiser->named_parameters()) {
      EXPECT_EQ(parameter.value().requires_grad(), parameter.key().find("vae.") != 0)
          << parameter.key();
      if (!parameter.value().requires_grad()) continue;
      ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
      EXPECT_GT(parameter.value().grad().abs().max().item<double>(), 0) << parameter.key();
    }
  }
}

TEST(FluxDenoiser, OptionsThatDoNotFitAreNamed) {
  DenoiserOptions options;
  models::flux::FluxConfig channels = small_flux(), axes = small_flux();
  channels.in_channels = 64;
  EXPECT_THROW(make(options, channels), Error);
  axes.axes_dims_rope = {4, 4};
  EXPECT_THROW(make(options, axes), Error);
  EXPECT_THROW(make(options, small_flux(), own_text(), kPooled, kJoint + 1), Error);
  options.prediction = Prediction::kCopyPaint;
  EXPECT_THROW(make(options, small_flux()), Error);
}

}  // namespace
}  // namespace reasonbrain::reason
