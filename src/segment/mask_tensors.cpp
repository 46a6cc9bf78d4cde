#include "segment/mask_tensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "io/resize.h"

namespace reasonbrain::segment {
namespace {

// Of 8-bit levels; the normalisation that SAM was trained with.
constexpr std::array<float, 3> kMean = {123.675F, 116.28F, 103.53F};
constexpr std::array<float, 3> kStd = {58.395F, 57.12F, 57.375F};

torch::Tensor resized(const torch::Tensor& maps, int width, int height) {  // [K, h, w]
  return at::upsample_bilinear2d(maps.unsqueeze(0), {height, width}, /*align_corners=*/false)
      .squeeze(0);
}

torch::Tensor areas(const torch::Tensor& masks) {  // bool [K, H, W] -> int64 [K]
  return masks.sum(at::IntArrayRef{1, 2}, /*keepdim=*/false, torch::kInt64);
}

}  // namespace

Prepared prepare(const io::Image& rgb, int side) {
  const double scale = static_cast<double>(side) / std::max(rgb.width, rgb.height);
  Prepared out;
  out.width = std::max(1, static_cast<int>(rgb.width * scale + 0.5));
  out.height = std::max(1, static_cast<int>(rgb.height * scale + 0.5));
  const io::Image small = io::resize(rgb, out.width, out.height, io::Filter::kBilinear);
  out.pixels = at::zeros({1, 3, side, side});
  auto pixels = out.pixels.accessor<float, 4>();
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto channel = static_cast<size_t>(c);
        pixels[0][c][y][x] =
            (static_cast<float>(small.at(x, y, c)) - kMean[channel]) / kStd[channel];
      }
    }
  }
  return out;
}

torch::Tensor upscale_masks(const torch::Tensor& logits, int side, const Prepared& prepared,
                            int width, int height) {
  const torch::Tensor square = resized(logits.to(torch::kFloat32), side, side);
  return resized(square.narrow(1, 0, prepared.height).narrow(2, 0, prepared.width), width, height);
}

torch::Tensor stability_scores(const torch::Tensor& logits, double offset) {
  return at::div(areas(logits > offset), areas(logits > -offset));
}

}  // namespace reasonbrain::segment
