#include "miniworld/pixels.h"

namespace reasonbrain::miniworld {

void PixelBox::include(int x, int y) {
  if (empty()) {
    *this = {x, y, x + 1, y + 1};
    return;
  }
  left = std::min(left, x);
  top = std::min(top, y);
  right = std::max(right, x + 1);
  bottom = std::max(bottom, y + 1);
}

int count_visible(const io::Image& a, const io::Image& b) {
  int count = 0;
  for (size_t i = 0; i < a.pixels.size() / 3; ++i)
    count += largest_difference(a, b, i) > kVisibleLevels;
  return count;
}

Blob largest_blob(const io::Image& image, const PixelBox& box, Colour key) {
  const int width = box.right - box.left, height = box.bottom - box.top;
  std::vector<uint8_t> open(static_cast<size_t>(std::max(width, 0)) * std::max(height, 0));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint8_t* p = &image.pixels[image.index(box.left + x, box.top + y)];
      open[static_cast<size_t>(y) * width + x] = std::abs(p[0] - key.r) <= kKeyTolerance &&
                                                 std::abs(p[1] - key.g) <= kKeyTolerance &&
                                                 std::abs(p[2] - key.b) <= kKeyTolerance;
    }
  }
  Blob best;
  std::vector<int> stack;
  for (int start = 0; start < static_cast<int>(open.size()); ++start) {
    if (!open[start]) continue;
    int area = 0;
    int64_t sum_x = 0, sum_y = 0;
    open[start] = 0;
    stack.push_back(start);
    while (!stack.empty()) {
      const int at = stack.back(), x = at % width, y = at / width;
      stack.pop_back();
      ++area;
      sum_x += x;
      sum_y += y;
      const auto visit = [&](bool inside, int next) {
        if (!inside || !open[next]) return;
        open[next] = 0;
        stack.push_back(next);
      };
      visit(x > 0, at - 1);
      visit(x + 1 < width, at + 1);
      visit(y > 0, at - width);
      visit(y + 1 < height, at + width);
    }
    if (area <= best.area) continue;
    best = {area, box.left + 0.5 + static_cast<double>(sum_x) / area,
            box.top + 0.5 + static_cast<double>(sum_y) / area};
  }
  return best;
}

}  // namespace reasonbrain::miniworld
