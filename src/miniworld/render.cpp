#include "miniworld/render.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {
namespace {

constexpr int kGrid = 4;  // samples per pixel and axis
constexpr int kSamples = kGrid * kGrid;
constexpr Fixed kPixel = 256;  // a pixel in the steps of the sample grid

struct Span {  // sample columns [first, last) or positions [first, last]
  int64_t first, last;
};

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

// The positions x with (x, y) inside the shape; first > last when there are none.
Span cut(const Shape& shape, int64_t y) {
  if (shape.num_corners == 0) {
    const int64_t rx = shape.radius.x, ry = shape.radius.y, dy = (y - shape.centre.y) * rx;
    const int64_t rest = rx * ry * rx * ry - dy * dy;
    if (rest < 0 || ry == 0) return {0, -1};
    const int64_t reach = integer_sqrt(rest) / ry;
    return {shape.centre.x - reach, shape.centre.x + reach};
  }
  Span span{INT32_MIN, INT32_MAX};
  for (int i = 0; i < shape.num_corners; ++i) {
    const Point a = shape.corners[i], b = shape.corners[i + 1 == shape.num_corners ? 0 : i + 1];
    const int64_t dx = b.x - a.x, dy = b.y - a.y, rise = dx * (y - a.y);
    // Inside is where dy * (x - a.x) <= rise.
    if (dy > 0)
      span.last = std::min(span.last, a.x + floor_div(rise, dy));
    else if (dy < 0)
      span.first = std::max(span.first, a.x - floor_div(rise, -dy));
    else if (rise < 0)
      return {0, -1};
  }
  return span;
}

class Rasteriser {
 public:
  Rasteriser(const Scene& scene, int size) : size_(size) {
    for (int i = 0; i < size * kGrid; ++i) {
      const int position = i / kGrid * kPixel + kPixel / (2 * kGrid) + i % kGrid * (kPixel / kGrid);
      sample_[i] = position * kCanvasUnits / size;
    }
    picture_.rgb = io::Image(size, size, 3);
    picture_.instances = io::Image(size, size, 1);
    for (size_t i = 0; i < picture_.rgb.pixels.size(); i += 3) {
      picture_.rgb.pixels[i] = scene.background.r;
      picture_.rgb.pixels[i + 1] = scene.background.g;
      picture_.rgb.pixels[i + 2] = scene.background.b;
    }
  }

  void draw(const Shape& shape) {
    const auto [top, bottom] = rows(shape);
    for (int y = top; y <= bottom; ++y) {
      std::array<Span, kGrid> spans;
      Span all{size_ * kGrid, 0};
      for (int j = 0; j < kGrid; ++j) {
        spans[j] = columns(cut(shape, sample_[y * kGrid + j]));
        if (spans[j].first >= spans[j].last) continue;
        all = {std::min(all.first, spans[j].first), std::max(all.last, spans[j].last)};
      }
      for (int x = static_cast<int>(all.first) / kGrid; x * kGrid < all.last; ++x)
        draw_pixel(shape, spans, x, y);
    }
  }

  Picture take() { return std::move(picture_); }

 private:
  std::pair<int, int> rows(const Shape& shape) const {
    Fixed top = shape.centre.y - shape.radius.y, bottom = shape.centre.y + shape.radius.y;
    if (shape.num_corners > 0) top = bottom = shape.corners[0].y;
    for (int i = 1; i < shape.num_corners; ++i) {
      top = std::min(top, shape.corners[i].y);
      bottom = std::max(bottom, shape.corners[i].y);
    }
    return {pixel_of(top), pixel_of(bottom)};
  }

  int pixel_of(Fixed position) const {
    const int64_t pixel = static_cast<int64_t>(position) * size_ / (kCanvasUnits * kUnit);
    return static_cast<int>(std::clamp<int64_t>(pixel, 0, size_ - 1));
  }

  Span columns(Span positions) const {
    const Fixed* end = &sample_[0] + size_ * kGrid;
    return {std::lower_bound(&sample_[0], end, positions.first) - &sample_[0],
            std::upper_bound(&sample_[0], end, positions.last) - &sample_[0]};
  }

  void draw_pixel(const Shape& shape, const std::array<Span, kGrid>& spans, int px, int py) {
    const Texture texture = shape.paint.texture;
    const int first_column = px * kGrid;
    const Fixed* xs = &sample_[first_column];
    const Fixed* ys = &sample_[py * kGrid];
    const bool flat = texture == Texture::kPlain || one_cell(xs, ys);
    int covered = 0, level = 0;
    for (int j = 0; j < kGrid; ++j) {
      const int from = static_cast<int>(std::max<int64_t>(spans[j].first - first_column, 0));
      const int to = static_cast<int>(std::min<int64_t>(spans[j].last - first_column, kGrid));
      covered += std::max(to - from, 0);
      if (flat) continue;
      for (int i = from; i < to; ++i) level += texture_level(texture, xs[i] / kUnit, ys[j] / kUnit);
    }
    if (covered == 0) return;
    if (flat) level = covered * texture_level(texture, xs[0] / kUnit, ys[0] / kUnit);
    blend(&picture_.rgb.at(px, py), shape.paint.colour, covered, level);
    if (2 * covered >= kSamples)
      picture_.instances.at(px, py) = static_cast<uint8_t>(shape.instance);
  }

  static bool one_cell(const Fixed* xs, const Fixed* ys) {
    return xs[0] / kUnit == xs[kGrid - 1] / kUnit && ys[0] / kUnit == ys[kGrid - 1] / kUnit;
  }

  // `level` is the sum of the texture over the covered samples.
  static void blend(uint8_t* pixel, Colour colour, int covered, int level) {
    const int channels[3] = {colour.r, colour.g, colour.b};
    for (int c = 0; c < 3; ++c) {
      const int sum = pixel[c] * (kSamples - covered) + channels[c] * covered + level;
      pixel[c] = static_cast<uint8_t>(std::clamp((sum + kSamples / 2) / kSamples, 0, 255));
    }
  }

  int size_;
  std::array<Fixed, kMaxSize * kGrid> sample_;  // position of each sample column and row
  Picture picture_;
};

}  // namespace

Picture render(const Scene& scene, int size) {
  if (size < kMinSize || size > kMaxSize || size % kSizeStep != 0) {
    throw usage_error(str("size ", size, " is not possible: the mini world is drawn at ", kMinSize,
                          " to ", kMaxSize, " pixels in steps of ", kSizeStep));
  }
  Rasteriser rasteriser(scene, size);
  for (const Shape& shape : scene.shapes) rasteriser.draw(shape);
  return rasteriser.take();
}

}  // namespace reasonbrain::miniworld
