#include "train/step.h"

#include <ATen/Context.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <stdexcept>

#include "core/rng.h"
#include "core/str.h"
#include "optim/clip.h"
#include "reasonbrain/error.h"

namespace reasonbrain::train {
namespace {

constexpr size_t kMaxListedSamples = 64;

// Sum, count and weight of each loss term over the micro-batches of a step.
struct Totals {
  std::vector<LossCount> counts;
  std::vector<torch::Tensor> sums;  // detached
  std::vector<double> weights;
};

Totals count_terms(Task& task, const MicroBatches& batches) {
  Totals totals;
  for (const auto& batch : batches) {
    const std::vector<LossCount> counts = task.counts(*batch);
    if (totals.counts.empty()) totals.counts.resize(counts.size());
    if (counts.size() != totals.counts.size()) throw std::logic_error("counts() changed its terms");
    for (size_t i = 0; i < counts.size(); ++i) {
      totals.counts[i].name = counts[i].name;
      totals.counts[i].count += counts[i].count;
    }
  }
  return totals;
}

void accumulate_gradients(Task& task, const Batch& batch, Totals& totals) {
  const std::vector<LossTerm> terms = task.losses(batch);
  if (terms.size() != totals.counts.size()) throw std::logic_error("losses() and counts() differ");
  torch::Tensor objective;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].name != totals.counts[i].name) {
      throw std::logic_error("losses() and counts() differ in the term " + terms[i].name);
    }
    const torch::Tensor sum = terms[i].sum.detach();
    if (i == totals.sums.size()) {
      totals.sums.push_back(sum);
      totals.weights.push_back(terms[i].weight);
    } else {
      totals.sums[i] = totals.sums[i] + sum;
    }
    if (terms[i].weight == 0 || totals.counts[i].count == 0) continue;
    const torch::Tensor part = terms[i].sum * (terms[i].weight / totals.counts[i].count);
    objective = objective.defined() ? objective + part : part;
  }
  if (objective.defined() && objective.requires_grad()) objective.backward();
}

// The terms as numbers, and the gradient norm: the one place of a step that waits for the device.
StepResult read_back(const Totals& totals, const torch::Tensor& norm) {
  std::vector<torch::Tensor> values;
  for (const torch::Tensor& sum : totals.sums)
    values.push_back(sum.to(norm.device(), norm.dtype()));
  values.push_back(norm);
  const torch::Tensor host = at::stack(values).to(torch::kCPU, torch::kFloat64);
  const double* value = host.const_data_ptr<double>();

  StepResult result;
  for (size_t i = 0; i < totals.sums.size(); ++i) {
    const double count = totals.counts[i].count;
    std::optional<double>& term = result.terms[totals.counts[i].name];
    if (count == 0) continue;
    term = value[i] / count;
    if (totals.weights[i] != 0) result.loss += totals.weights[i] * *term;
  }
  result.grad_norm = value[totals.sums.size()];
  return result;
}

// Frozen ones too.
std::string first_bad_parameter(const torch::nn::Module& module) {
  const auto is_bad = [](const torch::Tensor& tensor) {
    return tensor.defined() && !at::isfinite(tensor.detach()).all().item<bool>();
  };
  for (const auto& entry : module.named_parameters()) {
    if (is_bad(entry.value())) return "first parameter with such a value: " + entry.key();
  }
  for (const auto& entry : module.named_parameters()) {
    if (is_bad(entry.value().grad()))
      return "first gradient with such a value: that of " + entry.key();
  }
  return "all parameters and gradients are finite";
}

std::string sample_list(const MicroBatches& batches) {
  std::vector<std::string> ids;
  size_t num_samples = 0;
  for (const auto& batch : batches) {
    for (const std::string& id : batch->sample_ids) {
      if (num_samples++ < kMaxListedSamples) ids.push_back(id);
    }
  }
  std::string list = join(ids, ", ");
  if (num_samples > ids.size()) list += str(" and ", num_samples - ids.size(), " more");
  return list;
}

Error not_finite_error(const StepResult& result, const torch::nn::Module& module,
                       const MicroBatches& batches, const std::string& where) {
  std::string terms;
  for (const auto& [name, value] : result.terms) {
    if (value) terms += str(" ", name, " ", *value, ",");
  }
  return runtime_error(str("loss or gradient is not finite at ", where, ": loss ", result.loss, ",",
                           terms, " gradient norm ", result.grad_norm, "; ",
                           first_bad_parameter(module), "; samples: ", sample_list(batches),
                           "; the weights were not updated. A lower lr, a longer warm-up or a "
                           "smaller clip_norm may help"));
}

}  // namespace

optim::AdamW make_optimizer(Task& task, const Stage& stage, const TrainOptions& options) {
  optim::AdamW optimizer({options.beta1, options.beta2, options.eps});
  for (const ParameterGroup& group : task.parameter_groups()) {
    const bool own = group.weight_decay == 0 || stage.settings.weight_decay < 0;
    optimizer.add_group(group.parameters, group.lr_scale,
                        own ? group.weight_decay : stage.settings.weight_decay);
  }
  if (optimizer.parameters().empty()) {
    throw config_error(
        str("stage '", stage.name,
            "' trains no parameter: leave it out with steps 0, or let a part train"));
  }
  return optimizer;
}

StepResult run_step(Task& task, optim::AdamW& optimizer, const MicroBatches& batches,
                    const Stage& stage, const StepKey& key,
                    const std::function<std::string()>& where) {
  optimizer.zero_grad();
  Totals totals = count_terms(task, batches);
  for (size_t i = 0; i < batches.size(); ++i) {
    at::manual_seed(
        Rng(key.seed, {hash_key("torch"), static_cast<uint64_t>(key.step), i}).next_u64());
    accumulate_gradients(task, *batches[i], totals);
  }
  const StepResult result = read_back(totals, optim::gradient_norm(optimizer.parameters()));
  if (!std::isfinite(result.loss) || !std::isfinite(result.grad_norm)) {
    throw not_finite_error(result, task.module(), batches, where());
  }
  optim::clip_gradients(optimizer.parameters(), result.grad_norm, stage.settings.clip_norm);
  optimizer.step(stage.lr_at(key.step));
  return result;
}

}  // namespace reasonbrain::train
