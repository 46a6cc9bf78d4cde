#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "nn/attention.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/rope.h"
#include "nn/state_dict.h"

namespace reasonbrain::nn {
namespace {

class PairImpl : public Module {
 public:
  explicit PairImpl(bool with_second) {
    first = register_module("first", Linear(6, 4, /*bias=*/true, Build{}));
    if (with_second)
      second = register_module("second", Linear(4, 3, /*bias=*/true, Build{}.normal(0.5)));
    table = register_module("table", Embedding(5, 6, Build{}));
  }
  Linear first = nullptr, second = nullptr;
  Embedding table = nullptr;
};
TORCH_MODULE(Pair);

TEST(InitWeights, DependsOnNameAndSeedOnly) {
  Pair a(true), b(false), c(true);
  init_weights(*a, 3);
  init_weights(*b, 3);
  init_weights(*c, 4);
  EXPECT_TRUE(at::equal(a->first->weight, b->first->weight));
  EXPECT_TRUE(at::equal(a->table->weight, b->table->weight));
  EXPECT_FALSE(at::equal(a->first->weight, c->first->weight));
  EXPECT_LE(a->first->weight.abs().max().item<double>(), 1 / std::sqrt(6.0));
  EXPECT_EQ(a->second->bias.abs().max().item<double>(), 0);  // normal: biases are zero
}

TEST(InitWeights, LeavesSkippedChildrenAlone) {
  Pair pair(true);
  torch::NoGradGuard no_grad;
  pair->second->weight.fill_(7);
  init_weights(*pair, 3, "", /*skip=*/{"second"});
  EXPECT_TRUE(pair->second->weight.eq(7).all().item<bool>());
}

TEST(Linear, FreshLoraChangesNothingAndMergingKeepsTheOutput) {
  Linear linear(6, 4, /*bias=*/true, Build{});
  init_weights(*linear, 1);
  torch::NoGradGuard no_grad;
  const torch::Tensor x = at::randn({2, 3, 6});
  const torch::Tensor before = linear(x);
  linear->attach_lora(2, 0.5);
  init_weights(*linear, 1);
  EXPECT_TRUE(at::equal(linear(x), before));
  linear->lora_B.fill_(0.3);
  const torch::Tensor adapted = linear(x);
  EXPECT_FALSE(at::allclose(adapted, before));
  linear->merge_lora();
  EXPECT_FALSE(linear->has_lora());
  EXPECT_EQ(linear->named_parameters().size(), 2u);
  EXPECT_TRUE(at::allclose(linear(x), adapted, 1e-5, 1e-6));
}

TEST(Attention, GroupedHeadsMasksAndWeightsAgree) {
  torch::NoGradGuard no_grad;
  const torch::Tensor q = at::randn({2, 4, 5, 8}), k = at::randn({2, 2, 5, 8}),
                      v = at::randn({2, 2, 5, 8});
  torch::Tensor keep = at::ones({2, 5}, torch::kBool);
  keep[1][4] = false;
  const torch::Tensor mask =
      additive_key_mask(keep, torch::kFloat32) + additive_causal_mask(5, 5, q.options());
  const torch::Tensor weights = attention_weights(q, k, mask);
  EXPECT_TRUE(at::allclose(weights.sum(-1), at::ones({2, 4, 5})));
  const torch::Tensor expected = at::matmul(weights, v.repeat_interleave(2, 1));
  EXPECT_TRUE(at::allclose(attention(q, k, v, mask), expected, 1e-4, 1e-5));
  EXPECT_EQ(weights[1].select(2, 4).abs().max().item<double>(), 0);
  EXPECT_EQ(weights.triu(1).abs().max().item<double>(), 0);
}

TEST(Rope, KeepsNormsAndDependsOnDistanceOnly) {
  torch::NoGradGuard no_grad;
  const auto table = rope_inverse_frequency(8, 10000, torch::TensorOptions(torch::kFloat32));
  const torch::Tensor q = at::randn({1, 1, 1, 8}), k = at::randn({1, 1, 1, 8});
  const auto score = [&](int64_t i, int64_t j) {
    const auto [ci, si] = rope_tables(at::full({1, 1}, i, torch::kInt64), table);
    const auto [cj, sj] = rope_tables(at::full({1, 1}, j, torch::kInt64), table);
    return (apply_rope(q, ci, si) * apply_rope(k, cj, sj)).sum().item<double>();
  };
  EXPECT_NEAR(score(3, 1), score(12, 10), 1e-4);
  EXPECT_GT(std::abs(score(3, 1) - score(3, 2)), 1e-6);
}

TEST(LoadStateDict, ListsWhatDoesNotFit) {
  Pair pair(true);
  init_weights(*pair, 1);
  StateDict weights;
  for (const auto& [name, tensor] : state_dict(*pair)) weights[name] = tensor.clone();
  load_state_dict(*pair, weights, {.origin = "test"});
  StateDict missing = weights;
  missing.erase("first.bias");
  EXPECT_ERROR(load_state_dict(*pair, missing, {.origin = "the file"}), kData,
               "1 missing: first.bias");
  load_state_dict(*pair, missing, {.origin = "x", .may_be_missing = [](const std::string& key) {
                                     return key == "first.bias";
                                   }});
  StateDict extra = weights;
  extra["third.weight"] = at::zeros({1});
  EXPECT_ERROR(load_state_dict(*pair, extra, {.origin = "the file"}), kData,
               "1 unexpected: third.weight");
  StateDict shape = weights;
  shape["first.bias"] = at::zeros({9});
  EXPECT_ERROR(load_state_dict(*pair, shape, {.origin = "the file"}), kData,
               "first.bias (file [9], model [4])");
}

}  // namespace
}  // namespace reasonbrain::nn
