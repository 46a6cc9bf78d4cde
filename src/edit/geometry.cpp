#include "edit/geometry.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/str.h"
#include "io/resize.h"
#include "reasonbrain/error.h"

namespace reasonbrain::edit {
namespace {

int scaled(int length, int side, int longest) {
  const double exact = static_cast<double>(length) * side / longest;
  return std::clamp(static_cast<int>(std::lround(exact)), 1, side);
}

void expect_size(const io::Image& image, int width, int height, int channels) {
  if (image.width == width && image.height == height && image.channels == channels) return;
  throw data_error(str("got a picture of ", image.width, "x", image.height, "x", image.channels,
                       ", expected ", width, "x", height, "x", channels));
}

// How much of each pixel comes from the edit, 0..255.
io::Image change_map(const io::Image& canvas, const io::Image& edited) {
  io::Image change(canvas.width, canvas.height, 1);
  for (size_t i = 0; i < change.pixels.size(); ++i) {
    int largest = 0;
    for (size_t c = 0; c < 3; ++c) {
      largest = std::max(largest, std::abs(canvas.pixels[i * 3 + c] - edited.pixels[i * 3 + c]));
    }
    change.pixels[i] = static_cast<uint8_t>(std::min(largest, Geometry::kFullChange) * 255 /
                                            Geometry::kFullChange);
  }
  io::Image spread = change;  // the largest of the 3x3 neighbourhood
  for (int y = 0; y < change.height; ++y) {
    for (int x = 0; x < change.width; ++x) {
      for (int v = std::max(y - 1, 0); v <= std::min(y + 1, change.height - 1); ++v) {
        for (int u = std::max(x - 1, 0); u <= std::min(x + 1, change.width - 1); ++u) {
          spread.at(x, y) = std::max(spread.at(x, y), change.at(u, v));
        }
      }
    }
  }
  return spread;
}

}  // namespace

Geometry::Geometry(int width, int height, int side) : width_(width), height_(height), side_(side) {
  if (width < 1 || height < 1 || side < 1) {
    throw data_error(str("got a picture of ", width, "x", height, ", expected at least one pixel"));
  }
  const int longest = std::max(width, height);
  inner_width_ = scaled(width, side, longest);
  inner_height_ = scaled(height, side, longest);
  left_ = (side - inner_width_) / 2;
  top_ = (side - inner_height_) / 2;
}

io::Image Geometry::to_canvas(const io::Image& picture) const {
  expect_size(picture, width_, height_, 3);
  const io::Image inner = io::resize(picture, inner_width_, inner_height_, io::Filter::kBicubic);
  io::Image canvas(side_, side_, 3);
  for (int y = 0; y < side_; ++y) {
    const int from_y = std::clamp(y - top_, 0, inner_height_ - 1);
    for (int x = 0; x < side_; ++x) {
      const int from_x = std::clamp(x - left_, 0, inner_width_ - 1);
      for (int c = 0; c < 3; ++c) canvas.at(x, y, c) = inner.at(from_x, from_y, c);
    }
  }
  return canvas;
}

io::Image Geometry::labels_to_canvas(const io::Image& labels) const {
  expect_size(labels, width_, height_, 1);
  const io::Image inner = io::resize(labels, inner_width_, inner_height_, io::Filter::kNearest);
  io::Image canvas(side_, side_, 1);
  for (int y = 0; y < inner_height_; ++y) {
    for (int x = 0; x < inner_width_; ++x) canvas.at(x + left_, y + top_) = inner.at(x, y);
  }
  return canvas;
}

io::Image Geometry::resize_from_canvas(const io::Image& canvas) const {
  const io::Image inner = io::crop(canvas, left_, top_, inner_width_, inner_height_);
  return io::resize(inner, width_, height_,
                    canvas.channels == 1 ? io::Filter::kBilinear : io::Filter::kBicubic);
}

io::Image Geometry::from_canvas(const io::Image& picture, const io::Image& canvas,
                                const io::Image& edited) const {
  expect_size(picture, width_, height_, 3);
  expect_size(canvas, side_, side_, 3);
  expect_size(edited, side_, side_, 3);
  const io::Image resized = resize_from_canvas(edited);
  if (same_scale()) return resized;
  const io::Image share = resize_from_canvas(change_map(canvas, edited));
  io::Image result = picture;
  for (size_t i = 0; i < share.pixels.size(); ++i) {
    const int a = share.pixels[i];
    for (size_t c = i * 3; c < i * 3 + 3; ++c) {
      result.pixels[c] =
          static_cast<uint8_t>((picture.pixels[c] * (255 - a) + resized.pixels[c] * a + 127) / 255);
    }
  }
  return result;
}

}  // namespace reasonbrain::edit
