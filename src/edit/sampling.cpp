#include "edit/sampling.h"

#include "core/interrupt.h"
#include "core/rng_tensor.h"
#include "core/str.h"
#include "diffusion/denoise.h"
#include "diffusion/guidance.h"
#include "reasonbrain/error.h"

namespace reasonbrain::edit {
namespace {

std::vector<Rng> noise_streams(const std::vector<SampleJob>& jobs) {
  std::vector<Rng> streams;
  for (const SampleJob& job : jobs) {
    streams.emplace_back(job.key.seed,
                         std::initializer_list<uint64_t>{hash_key("edit noise"),
                                                         static_cast<uint64_t>(job.key.picture),
                                                         static_cast<uint64_t>(job.key.turn)});
  }
  return streams;
}

torch::Tensor repeat(const torch::Tensor& tensor, int64_t times) {
  if (!tensor.defined() || times == 1) return tensor;
  return at::cat(std::vector<torch::Tensor>(static_cast<size_t>(times), tensor));
}

// The condition of all passes, one after the other in the batch.
reason::Condition pass_conditions(const reason::Condition& full,
                                  const std::vector<diffusion::GuidancePass>& passes) {
  const auto times = static_cast<int64_t>(passes.size());
  reason::Condition all{repeat(full.context, times),
                        repeat(full.residual_visual, times),
                        repeat(full.residual_text, times),
                        repeat(full.source, times),
                        {},
                        {}};
  std::vector<torch::Tensor> text, image;
  for (const diffusion::GuidancePass& pass : passes) {
    text.push_back(full.keep_text * (pass.condition == diffusion::Condition::kFull ? 1.0 : 0.0));
    image.push_back(full.keep_image * (pass.condition == diffusion::Condition::kNone ? 0.0 : 1.0));
  }
  all.keep_text = at::cat(text);
  all.keep_image = at::cat(image);
  return all;
}

reason::Guidance select_rows(const reason::Guidance& guidance, const torch::Tensor& rows) {
  const auto select = [&](const torch::Tensor& tensor) {
    return tensor.defined() ? tensor.index_select(0, rows) : tensor;
  };
  return {select(guidance.context), select(guidance.residual_visual),
          select(guidance.residual_text)};
}

}  // namespace

torch::Tensor sample_pictures(reason::Pipeline& pipeline, const reason::Guidance& guidance,
                              const torch::Tensor& source, const std::vector<SampleJob>& jobs,
                              const SampleSettings& settings, const OnPictures& on_pictures) {
  const torch::NoGradGuard no_grad;
  reason::Denoiser& denoiser = pipeline.denoiser();
  const torch::Device device = source.device();
  std::vector<int64_t> row_numbers;
  for (const SampleJob& job : jobs) row_numbers.push_back(job.row);
  const torch::Tensor rows = at::tensor(row_numbers, torch::kInt64).to(device);
  const auto passes = diffusion::guidance_passes(settings.guidance, settings.image_guidance);
  const auto num_passes = static_cast<int64_t>(passes.size());
  const reason::Condition condition = pass_conditions(
      reason::Denoiser::condition(select_rows(guidance, rows), source.index_select(0, rows)),
      passes);

  const auto num_pictures = static_cast<int64_t>(jobs.size());
  std::vector<int64_t> shape = source.sizes().vec();
  shape[0] = num_pictures;
  const auto sampler = diffusion::Sampler::make(pipeline.options().scheduler);
  sampler->set_timesteps(settings.steps, /*image_seq_len=*/shape[2] * shape[3]);
  const diffusion::NoiseSource noise = diffusion::keyed_noise(noise_streams(jobs));
  const auto predict = [&](const torch::Tensor& x, double timestep) {
    throw_if_interrupted();
    const torch::Tensor z = repeat(x, num_passes).to(source.scalar_type());
    const torch::Tensor t = at::full({z.size(0)}, timestep, z.options().dtype(torch::kFloat32));
    return diffusion::combine_guidance(denoiser.forward(z, t, condition).to(torch::kFloat32),
                                       passes);
  };
  const auto decode = [&](const torch::Tensor& latent) {
    return denoiser.decode(latent.to(source.scalar_type())).to(torch::kFloat32);
  };
  diffusion::OnStep on_step;
  if (on_pictures) {
    on_step = [&](int64_t step, const diffusion::StepResult& result) {
      on_pictures(step, decode(result.x0));
    };
  }
  const torch::Tensor latent =
      diffusion::denoise(*sampler, predict, noise(shape).to(device), noise, on_step);
  const torch::Tensor pixels = decode(latent);
  if (!at::isfinite(pixels).all().item<bool>()) {
    throw data_error(str(
        "the model gave values that are not finite; try --dtype float32, or verify its weights"));
  }
  return pixels;
}

}  // namespace reasonbrain::edit
