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

// `measure`, [H], of W_Q W_K^T [H, d, d] in each layer's heads; -> [L, H]. It has the traces of
// W_QK = W_K^T W_Q, which is D wide.
template <class Measure>
torch::Tensor by_layer(models::llama::LlamaImpl& llm, const Measure& measure) {
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
    layers.push_back(measure(at::matmul(query, key.transpose(1, 2))));
  }
  return at::stack(layers);
}

// tr(M^2) of [H, d, d] -> [H].
torch::Tensor trace_of_square(const torch::Tensor& product) {
  return (product * product.transpose(1, 2)).sum({1, 2});
}

}  // namespace

torch::Tensor spectrum(models::llama::LlamaImpl& llm) {
  return by_layer(llm, [](const torch::Tensor& product) { return trace_of_square(product).abs(); });
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

torch::Tensor of_layers(const torch::Tensor& all, const TokenPropagationOptions& options) {
  if (options.layers.empty()) return all;
  return all.index_select(0, at::tensor(options.layers, torch::kInt64).to(all.device()));
}

torch::Tensor propagation_penalty(const torch::Tensor& now, const torch::Tensor& start,
                                  const TokenPropagationOptions& options) {
  const torch::Tensor change = (now + options.xi) / (start + options.xi) - 1;
  return of_layers(change.square(), options).sum();
}

torch::Tensor propagation_probability(const torch::Tensor& places, const torch::Tensor& trace,
                                      const torch::Tensor& square_trace, double head_width) {
  constexpr double kSmallestVariance = 1e-12;
  const torch::Tensor mean = (places - 0.5) * trace.unsqueeze(-1) / std::sqrt(head_width);
  // tr(W^2) of a W that is not symmetric may be negative: its size counts, as in spectrum().
  const torch::Tensor variance = (2 * places.square() + 7.0 / 12.0) *
                                 square_trace.abs().unsqueeze(-1) / (head_width * head_width);
  const torch::Tensor scale = at::sqrt(2 * variance.clamp_min(kSmallestVariance));
  return 0.5 * (at::erf((1 - mean) / scale) + at::erf(mean / scale));
}

torch::Tensor propagation_entropy(models::llama::LlamaImpl& llm) {
  // The probability depends on the place within the text, not on how long that is.
  constexpr int64_t kPlaces = 256;
  constexpr double kTiny = 1e-30;
  const auto head_width = static_cast<double>(llm.config().head_width());
  return by_layer(llm, [&](const torch::Tensor& product) {
    const torch::Tensor places = at::arange(kPlaces, product.options()) / kPlaces;
    const torch::Tensor probability = propagation_probability(
        places, product.diagonal(0, 1, 2).sum(-1), trace_of_square(product), head_width);
    const torch::Tensor share =
        probability / probability.sum(-1, /*keepdim=*/true).clamp_min(kTiny);
    return at::special_entr(share).sum(-1) / std::log(static_cast<double>(kPlaces));
  });
}

TokenPropagation::TokenPropagation(const TokenPropagationOptions& options, torch::Tensor factors,
                                   torch::Tensor keep, models::llama::LayerHook* next)
    : options_(options), factors_(std::move(factors)), keep_(std::move(keep)), next_(next) {}

bool TokenPropagation::scales(int64_t layer) const {
  const auto& layers = options_.layers;
  return layers.empty() || std::find(layers.begin(), layers.end(), layer) != layers.end();
}

torch::Tensor TokenPropagation::key_mask(int64_t layer) {
  hidden_ = next_ ? next_->key_mask(layer) : torch::Tensor();
  return hidden_;
}

void TokenPropagation::see_query_key(int64_t layer, const torch::Tensor& query,
                                     const torch::Tensor& key) {
  if (next_) next_->see_query_key(layer, query, key);
  scale_ = scales(layer) ? scale_of(layer, query, key) : torch::Tensor();
  if (scale_.defined()) scales_.push_back(scale_);
}

torch::Tensor TokenPropagation::scale_of(int64_t layer, const torch::Tensor& query,
                                         const torch::Tensor& key) const {
  const torch::NoGradGuard no_grad;
  if (factors_.defined()) return factors_[layer];
  const bool by_head = options_.granularity == PropagationGranularity::kHead;
  torch::Tensor keep = by_head ? keep_ : torch::Tensor();  // published: padding counts
  if (hidden_.defined()) {  // what a selection hides counts as little as what it drops
    const torch::Tensor seen = (hidden_ >= 0).view({hidden_.size(0), -1});
    keep = keep.defined() ? (keep != 0).logical_and(seen) : seen;
  }
  torch::Tensor of_query = trace(query, keep), of_key = trace(key, keep);
  if (!by_head) {
    of_query = of_query.mean().expand_as(of_query);
    of_key = of_key.mean().expand_as(of_key);
  }
  const int64_t group = query.size(1) / key.size(1);
  return activation_factor(of_query, options_.gamma, by_head) *
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

void TokenPropagation::report(PassStatistics& statistics) const {
  if (scales_.empty()) return;
  torch::Tensor factors = at::stack(scales_);
  if (factors.dim() == 2) factors = factors.unsqueeze(1);  // [layers, B or 1, H]
  const std::vector<int64_t> all = {0, 2};
  statistics.factor_mean = factors.mean(all);
  statistics.factor_max = factors.amax(all);
  if (options_.form != PropagationForm::kRelative) return;
  const torch::Tensor clamped =
      (factors <= 1 - options_.clamp).logical_or(factors >= 1 + options_.clamp);
  statistics.factor_clamped = clamped.to(torch::kFloat32).mean(all);
}

}  // namespace reasonbrain::reason
