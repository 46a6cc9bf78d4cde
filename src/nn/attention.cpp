#include "nn/attention.h"

#include <cmath>
#include <limits>

namespace reasonbrain::nn {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double lowest(torch::ScalarType dtype) {
  switch (dtype) {
    case torch::kFloat16:
      return -65504.0;
    case torch::kBFloat16:
      return -3.3895313892515355e38;
    default:
      return std::numeric_limits<float>::lowest();
  }
}

torch::Tensor repeat_heads(const torch::Tensor& x, int64_t num_heads) {
  const int64_t repeats = num_heads / x.size(1);
  return repeats == 1 ? x : x.repeat_interleave(repeats, /*dim=*/1);
}

}  // namespace

torch::Tensor split_heads(const torch::Tensor& x, int64_t num_heads) {
  return x.view({x.size(0), x.size(1), num_heads, x.size(2) / num_heads}).transpose(1, 2);
}

torch::Tensor merge_heads(const torch::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key,
                        const torch::Tensor& value, const torch::Tensor& mask, bool causal,
                        std::optional<double> scale) {
  const std::optional<torch::Tensor> bias =
      mask.defined() ? std::make_optional(mask) : std::nullopt;
  return at::scaled_dot_product_attention(query, repeat_heads(key, query.size(1)),
                                          repeat_heads(value, query.size(1)), bias,
                                          /*dropout_p=*/0.0, causal, scale);
}

torch::Tensor attention_weights(const torch::Tensor& query, const torch::Tensor& key,
                                const torch::Tensor& mask, std::optional<double> scale) {
  const double factor = scale.value_or(1.0 / std::sqrt(static_cast<double>(query.size(-1))));
  torch::Tensor logits =
      at::matmul(query, repeat_heads(key, query.size(1)).transpose(-1, -2)) * factor;
  if (mask.defined()) logits = logits + mask;
  return at::softmax(logits.to(torch::kFloat32), -1);
}

torch::Tensor additive_key_mask(const torch::Tensor& keep, torch::ScalarType dtype,
                                BlindRow blind) {
  const torch::Tensor dropped = keep == 0;
  const double value = blind == BlindRow::kMean ? lowest(dtype) : kNever;
  return at::zeros(keep.sizes(), keep.options().dtype(dtype))
      .masked_fill_(dropped, value)
      .unsqueeze(1)
      .unsqueeze(1);
}

torch::Tensor additive_causal_mask(int64_t num_queries, int64_t num_keys,
                                   const torch::TensorOptions& options) {
  return at::full({num_queries, num_keys}, kNever, options)
      .triu_(num_keys - num_queries + 1)
      .view({1, 1, num_queries, num_keys});
}

}  // namespace reasonbrain::nn
