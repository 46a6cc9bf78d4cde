#include "core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/rng_tensor.h"

namespace reasonbrain {
namespace {

// From an independent Python implementation, itself checked against the published known answer of
// Philox 4x32-10 for key 0 and counter 0.
TEST(Rng, GivesTheSameBitsEverywhere) {
  EXPECT_EQ(hash_key("noise"), 0x833e46646e4ede8bull);
  Rng rng(7, {1, 2});
  for (const uint32_t expected : {0x4d53c1c3u, 0xbac42a9eu, 0x7b0f6c60u, 0x931bd5ffu, 0xfe88a2u,
                                  0xb4fe799cu, 0x90aca8b7u, 0xf2912dcfu}) {
    EXPECT_EQ(rng.next_u32(), expected);
  }
}

TEST(Rng, StreamsDifferByEveryKey) {
  std::vector<uint64_t> firsts;
  for (uint64_t seed : {0, 1}) {
    firsts.push_back(Rng(seed).next_u64());
    for (uint64_t a : {0, 1}) {
      firsts.push_back(Rng(seed, {a}).next_u64());
      for (uint64_t b : {0, 1}) firsts.push_back(Rng(seed, {a, b}).next_u64());
    }
  }
  std::sort(firsts.begin(), firsts.end());
  EXPECT_EQ(std::unique(firsts.begin(), firsts.end()), firsts.end());
}

TEST(Rng, IntegersCoverTheirRangeEvenly) {
  Rng rng(3);
  constexpr int kDraws = 60000;
  std::vector<int> counts(6);
  for (int i = 0; i < kDraws; ++i) {
    const int64_t value = rng.between(-2, 3);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 3);
    ++counts[static_cast<size_t>(value + 2)];
  }
  const double expected = kDraws / 6.0;
  for (int count : counts) EXPECT_NEAR(count, expected, 5 * std::sqrt(expected));
  EXPECT_EQ(rng.below(1), 0u);
}

TEST(Rng, MomentsOfUniformAndNormal) {
  Rng rng(11);
  constexpr int kDraws = 200000;
  double uniform = 0, normal = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform(), n = rng.normal();
    ASSERT_TRUE(u >= 0 && u < 1);
    uniform += u, normal += n, squares += n * n;
  }
  EXPECT_NEAR(uniform / kDraws, 0.5, 0.004);
  EXPECT_NEAR(normal / kDraws, 0.0, 0.012);
  EXPECT_NEAR(squares / kDraws, 1.0, 0.017);
}

TEST(Rng, TensorsTakeTheirValuesInOrder) {
  Rng a(5), b(5);
  const torch::Tensor noise = randn(a, {2, 3});
  EXPECT_EQ(noise.sizes(), (torch::IntArrayRef{2, 3}));
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(noise.view(-1)[i].item<float>(), static_cast<float>(b.normal()));
  }
  const torch::Tensor uniform = rand(a, {1000}, -2, 5);
  EXPECT_GE(uniform.min().item<float>(), -2);
  EXPECT_LE(uniform.max().item<float>(), 5);
  EXPECT_GT(uniform.max().item<float>() - uniform.min().item<float>(), 6.5);
}

}  // namespace
}  // namespace reasonbrain
