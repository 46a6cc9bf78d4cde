#include "segment/boxes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace reasonbrain::segment {
namespace {

constexpr int kEdgeTolerance = 20;  // pixels

float overlap(const Box& a, const Box& b) {
  const int64_t width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const int64_t height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const auto shared =
      static_cast<float>(std::max<int64_t>(width, 0) * std::max<int64_t>(height, 0));
  const float all = static_cast<float>(a.area()) + static_cast<float>(b.area()) - shared;
  return shared / all;  // NaN for two boxes without area: such never suppress each other
}

}  // namespace

Box mask_box(const uint8_t* mask, int width, int height) {
  Box box{width, height, -1, -1};
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = mask + static_cast<size_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      if (row[x] == 0) continue;
      box.x0 = std::min(box.x0, x);
      box.x1 = std::max(box.x1, x);
      box.y0 = std::min(box.y0, y);
      box.y1 = y;
    }
  }
  return box.x1 < 0 ? Box{} : box;
}

std::vector<size_t> suppress(const std::vector<Box>& boxes, const std::vector<float>& scores,
                             double threshold) {
  std::vector<size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<size_t> kept;
  for (const size_t i : order) {
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](size_t better) {
      return overlap(boxes[better], boxes[i]) > threshold;
    });
    if (!covered) kept.push_back(i);
  }
  return kept;
}

std::vector<Crop> crop_boxes(int width, int height, int num_layers, double overlap_ratio) {
  std::vector<Crop> crops = {{{0, 0, width, height}, 0}};
  for (int layer = 1; layer <= num_layers; ++layer) {
    const int n = 1 << layer;
    const int shared = static_cast<int>(overlap_ratio * std::min(width, height) * (2.0 / n));
    const auto side = [&](int whole) { return (shared * (n - 1) + whole + n - 1) / n; };
    const int crop_width = side(width), crop_height = side(height);
    for (int column = 0; column < n; ++column) {
      for (int row = 0; row < n; ++row) {
        const int x0 = (crop_width - shared) * column, y0 = (crop_height - shared) * row;
        const Box box{x0, y0, std::min(x0 + crop_width, width), std::min(y0 + crop_height, height)};
        if (box.width() > 0 && box.height() > 0) crops.push_back({box, layer});
      }
    }
  }
  return crops;
}

bool is_cut_off(const Box& mask, const Box& crop, int width, int height) {
  const std::array<std::array<int, 3>, 4> edges = {{{mask.x0, crop.x0, 0},
                                                    {mask.y0, crop.y0, 0},
                                                    {mask.x1, crop.x1, width},
                                                    {mask.y1, crop.y1, height}}};
  return std::any_of(edges.begin(), edges.end(), [](const std::array<int, 3>& edge) {
    const auto near = [&](int line) { return std::abs(edge[0] - line) <= kEdgeTolerance; };
    return near(edge[1]) && !near(edge[2]);
  });
}

std::vector<Point> point_grid(int n) {
  std::vector<Point> points;
  for (int row = 0; row < n; ++row) {
    for (int column = 0; column < n; ++column)
      points.push_back({(column + 0.5) / n, (row + 0.5) / n});
  }
  return points;
}

}  // namespace reasonbrain::segment
