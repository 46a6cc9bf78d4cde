#include "reason/token_propagation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reasonbrain::reason {
namespace {

constexpr double kSmallest =
    std::numbers::e * std::numbers::e;  // ln t / sqrt(t) falls from here on
constexpr double kLogEps = 1e-7;        // as the published code

torch::Tensor full_weight(const nn::Linear& linear) {  // float32 or wider, adapter included
  const auto dtype = c10::promoteTypes(linear->weight.scalar_type(), torch::kFloat32);
  const torch::Tensor weight = linear->weight.to(dtype);
  if (!linear->has_lora()) return weight;
  return weight +
         at::matmul(linear->lora_B.to(dtype), linear->lora_A.to(dtype)) * linear->lora_scale;
}

torch::Tensor falling(const torch::Tensor& size, double xi) {
  return at::log(size + xi) / at::sqrt(size);
}

// Sum of squares over positions and head width, [B, H, T, d] -> [B, H].
torch::Tensor trace(const torch::Tensor& states, const torch::Tensor& keep) {
  torch::Tensor squares = states.to(torch::kFloat32).square().sum(-1);  // [B, H, T]
  if (keep.defined()) squares = squares * keep.to(torch::kFloat32).unsqueeze(1);
  return squares.sum(-1);
}

}  // namespace

torch::Tensor spectrum(models::llama::LlamaImpl& llm) {
  const auto& config = llm.config();
  const int64_t heads = config.num_attention_heads, group = heads / config.kv_heads();
  std::vector<torch::Tensor> layers;
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    auto& attention =
        *llm.model->layers->ptr<models::llama::DecoderLayerImpl>(static_cast<size_t>(i))->self_attn;
    const torch::Tensor query =
        full_weight(attention.q_proj).view({heads, config.head_width(), -1});
    const torch::Tensor key = full_weight(attention.k_proj)
                                  .view({heads / group, config.head_width(), -1})
                                  .repeat_interleave(group, 0);
    const torch::Tensor product = at::matmul(query, key.transpose(1, 2));  // [H, d, d]
    layers.push_back((product * product.transpose(1, 2)).sum({1, 2}).abs());
  }
  return at::stack(layers);
}

torch::Tensor activation_factor(const torch::Tensor& trace, double gamma, bool guard) {
  const torch::Tensor size = guard ? trace.clamp_min(kSmallest) : trace;
  return 1 + gamma / at::log(size + kLogEps);
}

torch::Tensor weight_factors(const torch::Tensor& now, const torch::Tensor& start,
                             const TokenPropagationOptions& options) {
  if (options.form == PropagationForm::kWeight) {
    return options.gamma * falling(now + options.xi, options.xi);
  }
  const auto size = [](const torch::Tensor& spectrum) { return spectrum.clamp_min(kSmallest); };
  const torch::Tensor ratio = falling(size(now), options.xi) / falling(size(start), options.xi);
  return ratio.clamp(1 - options.clamp, 1 + options.clamp);
}

torch::Tensor propagation_penalty(const torch::Tensor& now, const torch::Tensor& start,
                                  const TokenPropagationOptions& options) {
  torch::Tensor change = ((now + options.xi) / (start + options.xi) - 1).square();
  if (!options.layers.empty()) {
    change = change.index_select(0, at::tensor(options.layers, torch::kInt64).to(change.device()));
  }
  return change.sum();
}

double propagation_probability(double i, double length, double trace, double square_trace,
                               double head_width) {
  const double mean = (i / length - 0.5) * trace / std::sqrt(head_width);
  const double variance =
      (2 * i * i / (length * length) + 7.0 / 12.0) * square_trace / (head_width * head_width);
  const double scale = std::sqrt(2 * variance);
  return 0.5 * (std::erf((1 - mean) / scale) + std::erf(mean / scale));
}

TokenPropagation::TokenPropagation(const TokenPropagationOptions& options, torch::Tensor factors,
                                   torch::Tensor keep, models::llama::LayerHook* next)
    : options_(options), factors_(std::move(factors)), keep_(std::move(keep)), next_(next) {}

bool TokenPropagation::scales(int64_t layer) const {
  const auto& layers = options_.layers;
  return layers.empty() || std::find(layers.begin(), layers.end(), layer) != layers.end();
}

torch::Tensor TokenPropagation::key_mask(int64_t layer) {
  return next_ ? next_->key_mask(layer) : torch::Tensor();
}

void TokenPropagation::see_query_key(int64_t layer, const torch::Tensor& query,
                                     const torch::Tensor& key) {
  if (next_) next_->see_query_key(layer, query, key);
  scale_ = torch::Tensor();
  if (!scales(layer)) return;
  const torch::NoGradGuard no_grad;
  if (factors_.defined()) {
    scale_ = factors_[layer];
    return;
  }
  const bool by_head = options_.granularity == PropagationGranularity::kHead;
  const torch::Tensor keep = by_head ? keep_ : torch::Tensor();  // published: padding counts
  torch::Tensor of_query = trace(query, keep), of_key = trace(key, keep);
  if (!by_head) {
    of_query = of_query.mean().expand_as(of_query);
    of_key = of_key.mean().expand_as(of_key);
  }
  const int64_t group = query.size(1) / key.size(1);
  scale_ = activation_factor(of_query, options_.gamma, by_head) *
           activation_factor(of_key, options_.gamma, by_head).repeat_interleave(group, 1);
}

torch::Tensor TokenPropagation::head_scale(int64_t layer) {
  const torch::Tensor other = next_ ? next_->head_scale(layer) : torch::Tensor();
  if (!other.defined() || !scale_.defined()) return other.defined() ? other : scale_;
  return scale_ * other;
}

torch::Tensor TokenPropagation::wanted_rows(int64_t layer) {
  return next_ ? next_->wanted_rows(layer) : torch::Tensor();
}

void TokenPropagation::take_rows(int64_t layer, const torch::Tensor& weights) {
  if (next_) next_->take_rows(layer, weights);
}

torch::Tensor TokenPropagation::kept_positions(int64_t layer) {
  const torch::Tensor kept = next_ ? next_->kept_positions(layer) : torch::Tensor();
  if (kept.defined() && keep_.defined()) keep_ = keep_.gather(1, kept);
  return kept;
}

}  // namespace reasonbrain::reason
