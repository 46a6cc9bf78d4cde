// A whole small model that paints with FLUX: trained, saved, loaded, editing a picture.
#include <torch/optim/adam.h>

#include "core/rng_tensor.h"
#include "io/json.h"
#include "models/lora.h"
#include "reason/flux_denoiser.h"
#include "reason/paint.h"
#include "reason/pipeline_fixture.h"

namespace reasonbrain::reason {
namespace {

class FluxPipelineTest : public PipelineTest {
 protected:
  // The tiny model with FLUX and an autoencoder as FLUX has it in place of the UNet.
  static PipelineOptions flux_options(SourceMode mode) {
    PipelineOptions out = options();
    out.denoiser.backbone = Backbone::kFlux;
    out.denoiser.codec = LatentCodec::kAutoencoderKl;
    out.denoiser.prediction = Prediction::kAuto;
    out.denoiser.source_mode = mode;
    out.vae.block_out_channels = {8, 8, 8};
    out.vae.down_block_types.assign(3, "DownEncoderBlock2D");
    out.vae.up_block_types.assign(3, "UpDecoderBlock2D");
    out.vae.norm_num_groups = 4;
    out.vae.shift_factor = 0.1;
    out.vae.use_quant_conv = out.vae.use_post_quant_conv = false;
    out.flux.in_channels = 16;
    out.flux.num_layers = out.flux.num_single_layers = 1;
    out.flux.attention_head_dim = 8;
    out.flux.num_attention_heads = 2;
    out.flux.joint_attention_dim = 12;
    out.flux.pooled_projection_dim = 6;
    out.flux.guidance_embeds = true;
    out.flux.axes_dims_rope = {2, 2, 4};
    out.scheduler = {};
    out.scheduler.class_name = "FlowMatchEulerDiscreteScheduler";
    out.scheduler.use_dynamic_shifting = true;
    return out;
  }
  static std::shared_ptr<Pipeline> create(const PipelineOptions& options) {
    return Pipeline::create(options, Placement{}, /*seed=*/5);
  }

  // CLIP's pooled text and a small T5 beside the context.
  static PipelineOptions options_with_t5() {
    PipelineOptions out = flux_options(SourceMode::kChannel);
    out.flux_text = {
        .pooled_prompt_embeds = PooledText::kClip, .prompt_embeds = true, .max_sequence_length = 7};
    out.tokenizers.text_2 = out.tokenizers.llm;
    out.text_2.vocab_size = out.llm.vocab_size;
    out.text_2.d_model = out.flux.joint_attention_dim;
    out.text_2.d_kv = 4;
    out.text_2.d_ff = 16;
    out.text_2.num_layers = out.text_2.num_heads = 2;
    return out;
  }

  // One step of the joint stage's parameters towards noise - source.
  static void train_one_step(Pipeline& pipeline) {
    std::vector<torch::Tensor> learning;
    for (const auto& parameter : pipeline.parameters()) {
      if (parameter.requires_grad()) learning.push_back(parameter);
    }
    torch::optim::Adam adam(learning, torch::optim::AdamOptions(1e-2));
    const Inputs inputs = pipeline.encode(pipeline.processor()(pictures()));
    Rng rng(3);
    const torch::Tensor noise = randn(rng, inputs.source.sizes());
    const torch::Tensor answer = pipeline.denoiser().forward(
        0.5 * (noise + inputs.source), at::full({3}, 500.0),
        Denoiser::condition(pipeline.reason(inputs, false).guidance, inputs.source));
    answer.square().mean().backward();
    adam.step();
  }

  static torch::Tensor edited(Pipeline& pipeline) {
    torch::NoGradGuard no_grad;
    const Inputs inputs = pipeline.encode(pipeline.processor()(pictures()));
    Rng rng(3);
    return paint(pipeline.denoiser(), pipeline.options().scheduler,
                 pipeline.reason(inputs, false).guidance, inputs.source,
                 randn(rng, inputs.source.sizes()), {2, 2.0, 1.5});
  }

  static void expect_equal(Pipeline& got, Pipeline& expected) {
    const auto parameters = expected.named_parameters();
    ASSERT_EQ(got.named_parameters().size(), parameters.size());
    for (const auto& entry : got.named_parameters()) {
      ASSERT_NE(parameters.find(entry.key()), nullptr) << entry.key();
      EXPECT_TRUE(at::equal(entry.value(), parameters[entry.key()])) << entry.key();
    }
    // Kernels round by where their weights lie in memory.
    EXPECT_TRUE(at::allclose(edited(got), edited(expected), /*rtol=*/1e-4, /*atol=*/1e-4));
  }
};

TEST_F(FluxPipelineTest, TrainsSavesLoadsAndEdits) {
  for (const SourceMode mode : {SourceMode::kChannel, SourceMode::kSequence}) {
    const auto pipeline = create(flux_options(mode));
    nn::set_requires_grad(*pipeline, false);
    pipeline->model->train_conditioning();
    pipeline->denoiser().train_backbone(true);
    pipeline->denoiser().train_adapter(/*residuals=*/true);
    std::vector<torch::Tensor> learning;
    for (const auto& parameter : pipeline->parameters()) {
      if (parameter.requires_grad()) learning.push_back(parameter);
    }
    torch::optim::Adam adam(learning, torch::optim::AdamOptions(1e-2));
    const Inputs inputs = pipeline->encode(pipeline->processor()(pictures()));
    Rng rng(3);
    const torch::Tensor noise = randn(rng, inputs.source.sizes());
    std::vector<double> losses;
    for (int step = 0; step < 3; ++step) {
      const Guidance guidance = pipeline->reason(inputs, false).guidance;
      const torch::Tensor answer =
          pipeline->denoiser().forward(0.5 * (noise + inputs.source), at::full({3}, 500.0),
                                       Denoiser::condition(guidance, inputs.source));
      const torch::Tensor loss = at::mse_loss(answer, noise - inputs.source);
      losses.push_back(loss.item<double>());
      if (step == 2) break;
      adam.zero_grad();
      loss.backward();
      for (const torch::Tensor& parameter : learning) EXPECT_TRUE(parameter.grad().defined());
      adam.step();
    }
    EXPECT_LT(losses.back(), losses.front());

    TempDir folder;
    pipeline->save(folder.path());
    const auto loaded = Pipeline::load(folder.path(), Placement{});
    torch::NoGradGuard no_grad;
    const auto edited = [&](Pipeline& model) {
      const Guidance guidance = model.reason(inputs, false).guidance;
      return model.denoiser().decode(paint(model.denoiser(), model.options().scheduler, guidance,
                                           inputs.source, noise, {2, 2.0, 1.5}));
    };
    const torch::Tensor picture = edited(*pipeline);
    EXPECT_EQ(picture.sizes(), (std::vector<int64_t>{3, 3, edit::kTinySide, edit::kTinySide}));
    EXPECT_TRUE(picture.isfinite().all().item<bool>());
    const auto expected = pipeline->named_parameters();
    for (const auto& entry : loaded->named_parameters()) {
      EXPECT_TRUE(at::equal(entry.value(), expected[entry.key()])) << entry.key();
    }
    // Kernels round by where their weights lie in memory.
    EXPECT_TRUE(at::allclose(picture, edited(*loaded), /*rtol=*/1e-5, /*atol=*/1e-5));
  }
}

TEST_F(FluxPipelineTest, InstructionsReachT5AsFluxPipelineMakesThem) {
  const auto pipeline = create(options_with_t5());
  const torch::Tensor ids = pipeline->processor()(pictures()).t5_ids;
  EXPECT_EQ(ids.sizes(), (std::vector<int64_t>{3, 7}));
  const auto& tokenizer = pipeline->processor().llm_tokenizer();  // here T5 shares it
  const auto first = tokenizer.encode(pictures()[0].instruction, /*add_special=*/true);
  ASSERT_GE(first.size(), 7u);  // cut off, the last token kept
  for (size_t i = 0; i < 6; ++i)
    EXPECT_EQ(ids[0][static_cast<int64_t>(i)].item<int64_t>(), first[i]);
  EXPECT_EQ(ids[0][6].item<int64_t>(), first.back());
  const auto last = tokenizer.encode(pictures()[2].instruction, /*add_special=*/true);
  ASSERT_LT(last.size(), 7u);  // filled up
  EXPECT_EQ(ids[2][6].item<int64_t>(), tokenizer.pad_id().value_or(0));
  const Inputs inputs = pipeline->encode(pipeline->processor()(pictures()));
  EXPECT_EQ(inputs.prompt_embeds.sizes(), (std::vector<int64_t>{3, 7, 12}));
  EXPECT_TRUE(at::equal(inputs.prompt_embeds, pipeline->encoder->text_2(ids)));
  EXPECT_FALSE(at::equal(inputs.pooled_prompt_embeds[0], inputs.pooled_prompt_embeds[1]));
}

TEST_F(FluxPipelineTest, TextEncodersAreSavedWithTheModel) {
  const auto pipeline = create(options_with_t5());
  pipeline->train_joint(/*seed=*/2);
  for (const auto& entry : pipeline->encoder->text_2->named_parameters()) {
    EXPECT_FALSE(entry.value().requires_grad()) << entry.key();
  }
  train_one_step(*pipeline);
  TempDir folder;
  pipeline->save(folder.path());
  const auto loaded = Pipeline::load(folder.path(), Placement{});
  EXPECT_TRUE(loaded->options().flux_text.prompt_embeds);
  expect_equal(*loaded, *pipeline);
}

TEST_F(FluxPipelineTest, T5NeedsFluxAndStaysFrozen) {
  PipelineOptions unet = options();
  unet.flux_text.prompt_embeds = true;
  EXPECT_THROW(create(unet), Error);
  PartsOptions parts;
  parts.text_2.train = TrainMode::kFull;
  EXPECT_THROW(parts.validate(), Error);
}

TEST_F(FluxPipelineTest, AdaptersOfTheDenoiserTrainAndAreSaved) {
  for (PipelineOptions options : {this->options(), flux_options(SourceMode::kSequence)}) {
    options.parts.denoiser.train = TrainMode::kLora;
    const auto pipeline = create(options);
    pipeline->train_joint(/*seed=*/2);
    const bool flux = options.denoiser.backbone == Backbone::kFlux;
    const std::string prefix = flux ? "denoiser.flux." : "denoiser.unet.";
    std::map<std::string, torch::Tensor> before;
    for (const auto& entry : pipeline->named_parameters()) {
      if (entry.key().find(prefix) != 0) continue;
      EXPECT_EQ(entry.value().requires_grad(), models::is_lora_parameter(entry.key()))
          << entry.key();
      before[entry.key()] = entry.value().clone();
    }
    for (int step = 0; step < 2; ++step) train_one_step(*pipeline);  // A moves once B has
    int64_t adapters = 0;
    for (const auto& [name, value] : before) {
      const bool adapter = models::is_lora_parameter(name);
      adapters += adapter ? 1 : 0;
      EXPECT_NE(at::equal(pipeline->named_parameters()[name], value), adapter) << name;
    }
    EXPECT_GT(adapters, 0);
    TempDir folder;
    pipeline->save(folder.path());
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "denoiser/adapter/adapter_config.json"));
    const auto loaded = Pipeline::load(folder.path(), Placement{});
    EXPECT_EQ(loaded->options().parts.denoiser.train, TrainMode::kLora);
    expect_equal(*loaded, *pipeline);
    PartsOptions parts = options.parts;
    parts.denoiser.lora.rank += 1;
    EXPECT_THROW(loaded->set_training(parts), Error);
  }
}

TEST_F(FluxPipelineTest, AdaptersOfAPretrainedDenoiserAreSavedWithoutItsWeights) {
  TempDir base;
  create(flux_options(SourceMode::kChannel))->save(base.path());
  PipelineOptions options = flux_options(SourceMode::kChannel);
  options.parts.denoiser.path = (base.path() / "denoiser").string();
  options.parts.denoiser.train = TrainMode::kLora;
  const auto pipeline = create(options);
  pipeline->train_joint(/*seed=*/2);
  train_one_step(*pipeline);
  TempDir folder, copy;
  pipeline->save(folder.path());
  const auto index = io::read_json(folder.path() / "model_index.json");
  EXPECT_EQ(index["parts"]["denoiser"]["path"], (base.path() / "denoiser").string());
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "denoiser" / "config.json"));
  const auto loaded = Pipeline::load(folder.path(), Placement{});
  expect_equal(*loaded, *pipeline);
  loaded->save(copy.path());  // as `model export` does
  expect_equal(*Pipeline::load(copy.path(), Placement{}), *pipeline);
}

}  // namespace
}  // namespace reasonbrain::reason
