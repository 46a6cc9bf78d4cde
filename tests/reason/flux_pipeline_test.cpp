// A whole small model that paints with FLUX: trained, saved, loaded, editing a picture.
#include <torch/optim/adam.h>

#include "core/rng_tensor.h"
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

}  // namespace
}  // namespace reasonbrain::reason
