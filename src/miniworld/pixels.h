// Comparing 8-bit pictures.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "miniworld/palette.h"
#include "reasonbrain/image.h"

namespace reasonbrain::miniworld {

// Pixels [left, right) x [top, bottom).
struct PixelBox {
  int left = 0, top = 0, right = 0, bottom = 0;
  bool empty() const { return left >= right || top >= bottom; }
  void include(int x, int y);
};

// Two pictures are told apart where a channel differs by more than this.
inline constexpr int kVisibleLevels = 6;

// Sum over channels of |a - b|, and the largest of them, at pixel index i (row-major).
inline int difference(const io::Image& a, const io::Image& b, size_t i) {
  const uint8_t *p = &a.pixels[3 * i], *q = &b.pixels[3 * i];
  return std::abs(p[0] - q[0]) + std::abs(p[1] - q[1]) + std::abs(p[2] - q[2]);
}
inline int largest_difference(const io::Image& a, const io::Image& b, size_t i) {
  const uint8_t *p = &a.pixels[3 * i], *q = &b.pixels[3 * i];
  return std::max({std::abs(p[0] - q[0]), std::abs(p[1] - q[1]), std::abs(p[2] - q[2])});
}

// Number of pixels where `a` and `b` (same shape) differ visibly.
int count_visible(const io::Image& a, const io::Image& b);

// The largest 4-connected set of pixels in the box whose channels lie within kKeyTolerance of
// `key`.
struct Blob {
  int area = 0;         // pixels
  double x = 0, y = 0;  // centroid, pixels from the left and top edge of the picture
};
inline constexpr int kKeyTolerance = 40;
Blob largest_blob(const io::Image& image, const PixelBox& box, Colour key);

}  // namespace reasonbrain::miniworld
