#include "reason/paint.h"

#include "diffusion/guidance.h"

namespace reasonbrain::reason {
namespace {

torch::Tensor repeat_batch(const torch::Tensor& x, int64_t times) {
  if (!x.defined() || times == 1) return x;
  std::vector<int64_t> repeats(static_cast<size_t>(x.dim()), 1);
  repeats[0] = times;
  return x.repeat(repeats);
}

}  // namespace

torch::Tensor paint(Denoiser& denoiser, const diffusion::SchedulerConfig& scheduler,
                    const Guidance& guidance, const torch::Tensor& source,
                    const torch::Tensor& noise, const PaintSettings& settings,
                    const diffusion::NoiseSource& step_noise, const diffusion::OnStep& on_step) {
  const int64_t batch = source.size(0);
  const auto passes = diffusion::guidance_passes(settings.text_scale, settings.image_scale);
  const auto count = static_cast<int64_t>(passes.size());
  Condition condition;
  condition.context = repeat_batch(guidance.context, count);
  condition.residual_visual = repeat_batch(guidance.residual_visual, count);
  condition.residual_text = repeat_batch(guidance.residual_text, count);
  condition.pooled_prompt_embeds = repeat_batch(guidance.pooled_prompt_embeds, count);
  condition.prompt_embeds = repeat_batch(guidance.prompt_embeds, count);
  condition.source = repeat_batch(source, count);
  condition.keep_text = at::zeros({count, batch}, source.options().dtype(torch::kFloat32));
  condition.keep_image = at::zeros_like(condition.keep_text);
  for (int64_t i = 0; i < count; ++i) {
    const diffusion::PassKind kind = passes[static_cast<size_t>(i)].kind;
    if (kind == diffusion::PassKind::kFull) condition.keep_text[i].fill_(1);
    if (kind != diffusion::PassKind::kNone) condition.keep_image[i].fill_(1);
  }
  condition.keep_text = condition.keep_text.flatten();
  condition.keep_image = condition.keep_image.flatten();

  const auto sampler = diffusion::Sampler::make(scheduler);
  sampler->set_timesteps(settings.steps, denoiser.sequence_length(source.size(2), source.size(3)));
  const auto answer = [&](const torch::Tensor& x, double timestep) {
    const torch::Tensor t =
        at::full({count * batch}, timestep, source.options().dtype(torch::kFloat32));
    const torch::Tensor output =
        denoiser.forward(repeat_batch(x, count).to(source.scalar_type()), t, condition);
    return diffusion::combine_guidance(output.to(torch::kFloat32), passes);
  };
  return diffusion::denoise(*sampler, answer, noise.to(torch::kFloat32), step_noise, on_step)
      .to(source.scalar_type());
}

}  // namespace reasonbrain::reason
