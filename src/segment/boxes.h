// Boxes of masks and crops of pictures, in pixels. Nothing here needs a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reasonbrain::segment {

// Of a mask: first and last column and row. Of a crop: x1, y1 are past the end.
struct Box {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  int width() const { return x1 - x0; }
  int height() const { return y1 - y0; }
  int64_t area() const { return static_cast<int64_t>(width()) * height(); }
  bool operator==(const Box&) const = default;
};

// Around the pixels that are set; all zero when there is none.
Box mask_box(const uint8_t* mask, int width, int height);  // [height * width]

// Greedy suppression: indices that stay, by descending score, the first index where scores are
// equal. A box goes when its overlap (intersection over union) with a better one exceeds
// `threshold`.
std::vector<size_t> suppress(const std::vector<Box>& boxes, const std::vector<float>& scores,
                             double threshold);

struct Crop {
  Box box;
  int layer = 0;
};

// The whole picture, then 2^n x 2^n overlapping crops for each layer n, columns first.
std::vector<Crop> crop_boxes(int width, int height, int num_layers, double overlap_ratio);

// True when the mask reaches an edge of its crop that is no edge of the picture: it is cut off.
bool is_cut_off(const Box& mask,  // in the picture
                const Box& crop, int width, int height);

struct Point {
  double x = 0, y = 0;
};

// Centres of n x n cells of the unit square, row by row.
std::vector<Point> point_grid(int n);

}  // namespace reasonbrain::segment
