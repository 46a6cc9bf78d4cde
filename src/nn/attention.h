// Attention as functions: models own their projections under the reference's names.
// Legend: B batch, H heads, Q query positions, K key positions, D head width, W = H * D.
#pragma once

#include <torch/types.h>

#include <optional>

namespace reasonbrain::nn {

torch::Tensor split_heads(const torch::Tensor& x,   // [B, Q, W]
                          int64_t num_heads);       // -> [B, H, Q, D]
torch::Tensor merge_heads(const torch::Tensor& x);  // [B, H, Q, D] -> [B, Q, W]

// softmax(q k^T scale + mask) v. Scale is 1/sqrt(D) unless given.
torch::Tensor attention(
    const torch::Tensor& query,      // [B, H, Q, D]
    const torch::Tensor& key,        // [B, H or H_kv, K, D]; H_kv divides H
    const torch::Tensor& value,      // [B, H or H_kv, K, D]
    const torch::Tensor& mask = {},  // additive, broadcasts to [B, H, Q, K]; or undefined
    bool causal = false, std::optional<double> scale = std::nullopt);

// The same through explicit softmax, returning the weights [B, H, Q, K] of the chosen query rows.
torch::Tensor attention_weights(const torch::Tensor& query, const torch::Tensor& key,
                                const torch::Tensor& mask,
                                std::optional<double> scale = std::nullopt);

// What a query reads that may see no key at all.
enum class BlindRow {
  kMean,  // the mean of all values: dropped keys get the dtype's lowest value
  kZero   // nothing, as under transformers' boolean masks: dropped keys get minus infinity
};

// Additive mask [B, 1, 1, K] from a key mask: 0 where kept.
torch::Tensor additive_key_mask(const torch::Tensor& keep,  // bool or int [B, K], nonzero = kept
                                torch::ScalarType dtype, BlindRow blind = BlindRow::kMean);
// Additive mask [1, 1, Q, K] of 0 and minus infinity that forbids looking ahead; the last query
// sees every key.
torch::Tensor additive_causal_mask(int64_t num_queries, int64_t num_keys,
                                   const torch::TensorOptions& options);

}  // namespace reasonbrain::nn
