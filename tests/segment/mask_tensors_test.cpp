#include "segment/mask_tensors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace reasonbrain::segment {
namespace {

TEST(MaskTensors, LongSideFillsTheSquareAndTheRestIsZero) {
  io::Image picture(20, 10, 3);
  for (size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = i % 3 == 0 ? 200 : 10;
  const Prepared prepared = prepare(picture, 32);
  EXPECT_EQ(prepared.width, 32);
  EXPECT_EQ(prepared.height, 16);
  EXPECT_EQ(prepared.pixels.sizes(), (std::vector<int64_t>{1, 3, 32, 32}));
  EXPECT_NEAR(prepared.pixels[0][0][15][31].item<float>(), (200 - 123.675) / 58.395, 1e-5);
  EXPECT_NEAR(prepared.pixels[0][2][0][0].item<float>(), (10 - 103.53) / 57.375, 1e-5);
  EXPECT_EQ(prepared.pixels.slice(2, 16).abs().max().item<float>(), 0);
  const Prepared narrow = prepare(io::Image(3, 1000, 3), 32);  // never without a pixel
  EXPECT_EQ(narrow.width, 1);
  EXPECT_EQ(narrow.height, 32);
}

TEST(MaskTensors, UpscalingCutsThePaddingOff) {
  Prepared prepared;
  prepared.width = 16, prepared.height = 8;
  torch::Tensor logits = at::full({2, 4, 4}, -5.0);
  logits.slice(1, 0, 2) = 3;  // the upper half: what the picture covers
  const torch::Tensor large = upscale_masks(logits, 16, prepared, 40, 20);
  EXPECT_EQ(large.sizes(), (std::vector<int64_t>{2, 20, 40}));
  EXPECT_NEAR(large.slice(1, 0, 14).min().item<float>(), 3, 1e-5);
  EXPECT_LT(large.slice(1, 19).max().item<float>(), 3);  // blends with what lies below
}

TEST(MaskTensors, StabilityIsTheOverlapOfTwoThresholds) {
  const torch::Tensor logits = at::tensor({-3.0, -0.5, 0.5, 3.0,  //
                                           -3.0, -3.0, 3.0, 3.0,  //
                                           -3.0, -3.0, -3.0, -3.0})
                                   .view({3, 2, 2});
  const torch::Tensor scores = stability_scores(logits, 1.0);
  EXPECT_FLOAT_EQ(scores[0].item<float>(), 1.0F / 3);
  EXPECT_FLOAT_EQ(scores[1].item<float>(), 1);
  EXPECT_TRUE(std::isnan(scores[2].item<float>()));
}

}  // namespace
}  // namespace reasonbrain::segment
