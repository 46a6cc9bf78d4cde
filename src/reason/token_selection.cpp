#include "reason/token_selection.h"

#include "nn/attention.h"

namespace reasonbrain::reason {
namespace {

// Mean over heads and over the rows that `keep` [B, R] marks: [B, H, R, E] -> [B, E].
torch::Tensor mean_rows(const torch::Tensor& weights, const torch::Tensor& keep) {
  const torch::Tensor by_row = weights.mean(1);  // [B, R, E]
  const torch::Tensor share = keep.to(by_row.scalar_type()).unsqueeze(-1);
  return (by_row * share).sum(1) / share.sum(1).clamp_min(1);
}

}  // namespace

torch::Tensor selection_scores(const torch::Tensor& weights, const SelectionInput& input,
                               const TokenSelectionOptions& options) {
  const torch::Tensor eligible =
      weights.to(torch::kFloat32).index_select(3, input.eligible.to(weights.device()));
  const int64_t num_asking = input.asking.size(0), num_img = input.img_end - input.img_begin;
  const auto asked = [&] {
    return mean_rows(eligible.narrow(2, 0, num_asking), input.asking_keep.to(weights.device()));
  };
  const torch::Tensor img = eligible.narrow(2, num_asking, num_img);
  switch (options.rows) {
    case SelectionRows::kLast:
      return img.select(2, num_img - 1).mean(1);
    case SelectionRows::kInstruction:
      return asked();
    case SelectionRows::kImg:
      return img.mean(1).mean(1);
    case SelectionRows::kMixed:
      break;
  }
  const double share = options.instruction_weight;
  return share * asked() + (1 - share) * img.mean(1).mean(1);
}

torch::Tensor select_tokens(const torch::Tensor& scores, int64_t count, SelectionMode mode) {
  const auto [sorted, order] =
      scores.sort(/*stable=*/true, /*dim=*/1, /*descending=*/mode == SelectionMode::kKeepTop);
  const auto [kept, unused] = order.narrow(1, 0, count).sort(1);
  return kept;
}

torch::Tensor contrast_sum(const torch::Tensor& states, const torch::Tensor& negative,
                           double margin) {
  const torch::Tensor cosine =
      at::cosine_similarity(states.to(torch::kFloat32), negative.to(torch::kFloat32), /*dim=*/-1);
  return at::relu(margin - (1 - cosine)).sum();
}

TokenSelection::TokenSelection(const TokenSelectionOptions& options, SelectionInput input,
                               models::llama::LayerHook* next)
    : options_(options),
      input_(std::move(input)),
      next_(next),
      drops_(options.execution != SelectionExecution::kMask && next == nullptr) {}

torch::Tensor TokenSelection::keep_flags() const {
  const torch::Tensor eligible = input_.eligible.to(kept_.device());
  torch::Tensor flags =
      at::ones({kept_.size(0), input_.length}, kept_.options().dtype(torch::kBool));
  flags.index_fill_(1, eligible, false);
  return flags.scatter_(1, eligible.index_select(0, kept_.flatten()).view(kept_.sizes()), true);
}

torch::Tensor TokenSelection::key_mask(int64_t layer) {
  const torch::Tensor other = next_ ? next_->key_mask(layer) : torch::Tensor();
  if (drops_ || layer <= options_.layer || !kept_.defined()) return other;
  const torch::Tensor own = nn::additive_key_mask(keep_flags(), torch::kFloat32);
  return other.defined() ? at::minimum(own, other.to(torch::kFloat32)) : own;
}

void TokenSelection::see_query_key(int64_t layer, const torch::Tensor& query,
                                   const torch::Tensor& key) {
  if (next_) next_->see_query_key(layer, query, key);
}

torch::Tensor TokenSelection::head_scale(int64_t layer) {
  return next_ ? next_->head_scale(layer) : torch::Tensor();
}

torch::Tensor TokenSelection::wanted_rows(int64_t layer) {
  const torch::Tensor other = next_ ? next_->wanted_rows(layer) : torch::Tensor();
  num_own_rows_ = 0;
  if (layer != options_.layer) return other;
  const torch::Tensor own = at::cat(
      {input_.asking, at::arange(input_.img_begin, input_.img_end, input_.asking.options())});
  num_own_rows_ = own.size(0);
  return other.defined() ? at::cat({own, other.to(own.device())}) : own;
}

void TokenSelection::take_rows(int64_t layer, const torch::Tensor& weights) {
  const int64_t others = weights.size(2) - num_own_rows_;
  if (next_ && others > 0) next_->take_rows(layer, weights.narrow(2, num_own_rows_, others));
  if (num_own_rows_ == 0) return;
  scores_ = selection_scores(weights.narrow(2, 0, num_own_rows_), input_, options_);
  kept_ = select_tokens(scores_, options_.count(input_.eligible.size(0)), options_.mode);
}

torch::Tensor TokenSelection::kept_positions(int64_t layer) {
  if (!drops_ || layer != options_.layer) return {};
  if (kept_.size(1) == input_.eligible.size(0)) return {};  // all of them
  const torch::Tensor flags = keep_flags();
  return flags.nonzero().select(1, 1).view({flags.size(0), -1});
}

void TokenSelection::report(PassStatistics& statistics) const {
  constexpr double kTiny = 1e-30;  // rows that see no eligible token at all
  statistics.kept_mass = scores_.gather(1, kept_).sum(1) / scores_.sum(1).clamp_min(kTiny);
}

}  // namespace reasonbrain::reason
