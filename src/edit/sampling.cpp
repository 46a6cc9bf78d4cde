#include "edit/sampling.h"

#include "core/interrupt.h"
#include "core/rng_tensor.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::edit {
namespace {

reason::Guidance select_rows(const reason::Guidance& guidance, const torch::Tensor& rows) {
  const auto select = [&](const torch::Tensor& tensor) {
    return tensor.defined() ? tensor.index_select(0, rows) : tensor;
  };
  return {select(guidance.context), select(guidance.residual_visual),
          select(guidance.residual_text), select(guidance.pooled_prompt_embeds),
          select(guidance.prompt_embeds)};
}

}  // namespace

diffusion::NoiseSource job_noise(const std::vector<SampleJob>& jobs) {
  std::vector<Rng> streams;
  for (const SampleJob& job : jobs) {
    streams.emplace_back(job.key.seed,
                         std::initializer_list<uint64_t>{hash_key("edit noise"),
                                                         static_cast<uint64_t>(job.key.picture)});
  }
  return diffusion::keyed_noise(std::move(streams));
}

void require_finite_pixels(const torch::Tensor& pixels) {
  if (at::isfinite(pixels).all().item<bool>()) return;
  throw data_error(
      str("the model gave values that are not finite; try --dtype float32, or verify its weights"));
}

torch::Tensor sample_pictures(reason::Pipeline& pipeline, const reason::Guidance& guidance,
                              const torch::Tensor& source, const std::vector<SampleJob>& jobs,
                              const reason::PaintSettings& settings,
                              const OnPictures& on_pictures) {
  const torch::NoGradGuard no_grad;
  reason::Denoiser& denoiser = pipeline.denoiser();
  std::vector<int64_t> row_numbers;
  for (const SampleJob& job : jobs) row_numbers.push_back(job.row);
  const torch::Tensor rows = at::tensor(row_numbers, torch::kInt64).to(source.device());
  const torch::Tensor sources = source.index_select(0, rows);
  const diffusion::NoiseSource noise = job_noise(jobs);
  const auto on_step = [&](int64_t step, const diffusion::SampledStep& result) {
    throw_if_interrupted();
    if (!on_pictures) return;
    on_pictures(step, denoiser.decode(result.x0.to(source.scalar_type())).to(torch::kFloat32));
  };
  const torch::Tensor latent =
      reason::paint(denoiser, pipeline.options().scheduler, select_rows(guidance, rows), sources,
                    noise(sources.sizes().vec()).to(source.device()), settings, noise, on_step);
  const torch::Tensor pixels = denoiser.decode(latent).to(torch::kFloat32);
  require_finite_pixels(pixels);
  return pixels;
}

}  // namespace reasonbrain::edit
