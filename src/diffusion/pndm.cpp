#include <cmath>

#include "diffusion/samplers.h"

namespace reasonbrain::diffusion {
namespace {

constexpr size_t kMemory = 4;  // answers that the multistep formula reads

}  // namespace

// The second timestep comes twice: the first step is a predictor, the second corrects it.
void PndmSampler::plan(int64_t num_steps, std::optional<int64_t> image_seq_len) {
  AlphaBarSampler::plan(num_steps, image_seq_len);
  if (num_steps > 1) timesteps_.insert(timesteps_.begin() + 1, timesteps_[1]);
  answers_.clear();
}

torch::Tensor PndmSampler::combined(const torch::Tensor& output) const {
  const auto past = [&](size_t back) { return answers_[answers_.size() - back]; };
  switch (answers_.size()) {
    case 1:
      return output;
    case 2:
      return (past(1) * 3 - past(2)) / 2;
    case 3:
      return (past(1) * 23 - past(2) * 16 + past(3) * 5) / 12;
    default:
      return (past(1) * 55 - past(2) * 59 + past(3) * 37 - past(4) * 9) / 24;
  }
}

SampledStep PndmSampler::step(const torch::Tensor& model_output, int64_t i, const torch::Tensor& x,
                              const NoiseSource& /*noise*/) {
  auto timestep = static_cast<int64_t>(timesteps_.at(static_cast<size_t>(i)));
  int64_t next_timestep = timestep - stride();
  const torch::Tensor output = model_output.to(x.scalar_type());
  const double seen = alpha_bar(timestep);
  const torch::Tensor x0 = predicted_x0(config_.objective(), output, x,
                                        NoiseLevel<double>{std::sqrt(seen), std::sqrt(1 - seen)});
  torch::Tensor from = x, answer;
  if (i == 0) answers_.clear();
  if (i == 1) {  // the first step again, with the mean of its two answers
    next_timestep = timestep;
    timestep += stride();
    from = first_x_;
    answer = (output + answers_.back()) / 2;
  } else {
    if (i == 0) first_x_ = x;
    if (answers_.size() == kMemory) answers_.erase(answers_.begin());
    answers_.push_back(output);
    answer = combined(output);
  }
  const double now = alpha_bar(timestep), next = alpha_bar(next_timestep);
  if (config_.objective() == Objective::kV)
    answer = answer * std::sqrt(now) + from * std::sqrt(1 - now);
  // Liu et al. 2022, formula 9.
  const double scale = now * std::sqrt(1 - next) + std::sqrt(now * (1 - now) * next);
  return {from * std::sqrt(next / now) - answer * ((next - now) / scale), x0};
}

}  // namespace reasonbrain::diffusion
