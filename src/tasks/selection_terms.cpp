#include "tasks/selection_terms.h"

#include "core/rng.h"
#include "reason/token_selection.h"

namespace reasonbrain::tasks {

reason::SelectionDraw draw_selection(const reason::ReasonOptions& options,
                                     const train::BatchInfo& info, int64_t epoch_size) {
  Rng rng(info.seed, {static_cast<uint64_t>(info.epoch),
                      static_cast<uint64_t>(info.indices.front()), hash_key("token_selection")});
  reason::SelectionDraw draw;
  draw.training = true;
  draw.strength = options.token_selection.strength(info.epoch * epoch_size + info.first_position);
  if (rng.chance(options.token_selection.keep_all_prob)) draw.strength = 0;
  const auto every = static_cast<uint64_t>(options.contrast.every);
  draw.contrast = options.contrast.enabled && rng.below(every) == 0;
  return draw;
}

std::vector<std::string> selection_terms(const reason::ReasonOptions& options) {
  const auto& propagation = options.token_propagation;
  std::vector<std::string> names;
  if (propagation.penalizes()) names.push_back("propagation");
  if (options.contrast.enabled) names.push_back("contrast");
  if (options.token_selection.enabled) names.push_back("selection_mass");
  if (propagation.scales()) {
    names.insert(names.end(), {"propagation_mean", "propagation_max"});
    if (propagation.form == reason::PropagationForm::kRelative) {
      names.push_back("propagation_clamped");
    }
  }
  if (propagation.enabled) names.push_back("propagation_entropy");
  return names;
}

void count_selection_terms(const reason::ReasonOptions& options, const reason::SelectionDraw& draw,
                           int64_t batch_size, std::vector<train::LossCount>& counts) {
  const auto size = static_cast<double>(batch_size);
  const auto r = static_cast<double>(options.num_guidance_tokens);
  const bool selects = options.token_selection.at(draw).enabled;
  const bool scales = options.token_propagation.scales_in(draw.training);
  counts.push_back({"propagation", size});
  counts.push_back({"contrast", draw.contrast ? size * r : 0});
  counts.push_back({"selection_mass", selects ? size : 0});
  for (const char* name : {"propagation_mean", "propagation_max", "propagation_clamped"}) {
    counts.push_back({name, scales ? size : 0});
  }
  counts.push_back({"propagation_entropy", size});
}

void add_selection_terms(const reason::ReasonOptions& options, reason::ModelImpl& model,
                         const reason::ModelOutputs& outputs, std::vector<train::LossTerm>& terms) {
  const int64_t batch_size = outputs.states.size(0);
  // A value per sample or, the same for all, [1] or []: times the samples, by whose number the term
  // is divided.
  const auto add = [&](const char* name, const torch::Tensor& value, double weight) {
    if (!value.defined()) return;
    terms.push_back({name, value.to(torch::kFloat32).expand({batch_size}).sum(), weight});
  };
  const auto& propagation = options.token_propagation;
  if (propagation.penalizes()) {
    add("propagation", model.propagation_penalty(), propagation.penalty_weight);
  }
  if (options.contrast.enabled) {
    const torch::Tensor &states = outputs.states, &negative = outputs.negative;
    const auto zero = [&] { return at::zeros({}, states.options().dtype(torch::kFloat32)); };
    terms.push_back({"contrast",
                     negative.defined()
                         ? reason::contrast_sum(states, negative, options.contrast.margin)
                         : zero(),
                     options.contrast.weight});
  }
  add("selection_mass", outputs.statistics.kept_mass, 0);
  add("propagation_mean", outputs.statistics.factor_mean, 0);
  add("propagation_max", outputs.statistics.factor_max, 0);
  add("propagation_clamped", outputs.statistics.factor_clamped, 0);
  if (propagation.enabled) add("propagation_entropy", model.propagation_entropy(), 0);
}

}  // namespace reasonbrain::tasks
