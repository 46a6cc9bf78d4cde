#include "tasks/heads.h"

#include <numeric>

namespace reasonbrain::tasks {

LabelHeadsImpl::LabelHeadsImpl(int64_t width, std::vector<int64_t> words_per_slot,
                               const nn::Build& build)
    : words_per_slot_(std::move(words_per_slot)) {
  const int64_t total = std::accumulate(words_per_slot_.begin(), words_per_slot_.end(), int64_t{0});
  regions_ = register_module("regions", nn::Linear(width, total, /*bias=*/true, build));
  objects_ = register_module("objects", nn::Linear(width, total, /*bias=*/true, build));
}

torch::Tensor LabelHeadsImpl::score(nn::Linear& head, const torch::Tensor& tokens,
                                    const torch::Tensor& labels) {
  torch::Tensor sum = at::zeros({}, tokens.options().dtype(torch::kFloat32));
  const torch::Tensor logits = head(tokens).to(torch::kFloat32);
  int64_t begin = 0;
  for (size_t slot = 0; slot < words_per_slot_.size(); ++slot) {
    const int64_t words = words_per_slot_[slot];
    const torch::Tensor wanted = labels.select(2, static_cast<int64_t>(slot)).reshape({-1});
    if (words > 0) {
      sum = sum + at::cross_entropy_loss(logits.narrow(2, begin, words).reshape({-1, words}),
                                         wanted, {}, at::Reduction::Sum, /*ignore_index=*/-1);
    }
    begin += words;
  }
  return sum;
}

torch::Tensor LabelHeadsImpl::loss_sum(const torch::Tensor& regions,
                                       const torch::Tensor& region_labels) {
  return score(regions_, regions, region_labels);
}

torch::Tensor LabelHeadsImpl::object_loss_sum(const torch::Tensor& objects,
                                              const torch::Tensor& object_labels) {
  return score(objects_, objects, object_labels);
}

AnswerEncoderImpl::AnswerEncoderImpl(int64_t vocabulary, int64_t num_words, int64_t width,
                                     int64_t num_heads, const nn::Build& build)
    : words_(register_module("words", nn::Embedding(vocabulary, width, build))),
      positions_(register_module("positions", nn::Embedding(num_words, width, build))),
      layer_(register_module("layer", reason::TransformerLayer(width, num_heads, build))),
      norm_(register_module("norm", nn::LayerNorm(width, 1e-5, build))) {}

torch::Tensor AnswerEncoderImpl::forward(const torch::Tensor& ids) {
  return norm_(layer_(words_(ids) + positions_->weight, torch::Tensor()));
}

}  // namespace reasonbrain::tasks
