#include "io/resize.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

// Fixed point of Pillow's Resample.c: weights have 22 fractional bits.
constexpr int kPrecisionBits = 32 - 8 - 2;

double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

double triangle(double x) {
  return std::max(1.0 - std::abs(x), 0.0);
}

double cubic(double x) {  // Keys, a = -0.5
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= M_PI;
  return std::sin(x) / x;
}

double lanczos3(double x) {
  return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

struct Kernel {
  double (*weight)(double);
  double support;
};

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::kBox:
      return {box, 0.5};
    case Filter::kBilinear:
      return {triangle, 1.0};
    case Filter::kBicubic:
      return {cubic, 2.0};
    default:
      return {lanczos3, 3.0};
  }
}

// Which input positions make one output position, and with what weights.
struct Taps {
  int first;
  std::vector<int> weights;
};

std::vector<Taps> taps_of(int in_size, int out_size, const Kernel& kernel) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double support = kernel.support * filter_scale;
  std::vector<Taps> taps(static_cast<size_t>(out_size));
  std::vector<double> weights;
  for (int out = 0; out < out_size; ++out) {
    const double center = (out + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), in_size);
    weights.clear();
    double sum = 0;
    for (int in = first; in < last; ++in) {
      weights.push_back(kernel.weight((in - center + 0.5) * (1.0 / filter_scale)));
      sum += weights.back();
    }
    Taps& tap = taps[static_cast<size_t>(out)];
    tap.first = first;
    for (double weight : weights) {
      const double normalised = sum != 0.0 ? weight / sum : weight;
      const double fixed = normalised * (1 << kPrecisionBits);
      tap.weights.push_back(static_cast<int>(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
  }
  return taps;
}

uint8_t to_level(int sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

Image resize_horizontally(const Image& image, int width, const Kernel& kernel) {
  const std::vector<Taps> taps = taps_of(image.width, width, kernel);
  Image out(width, image.height, image.channels);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Taps& tap = taps[static_cast<size_t>(x)];
      for (int c = 0; c < image.channels; ++c) {
        int sum = 1 << (kPrecisionBits - 1);
        const uint8_t* in = &image.pixels[image.index(tap.first, y, c)];
        for (int weight : tap.weights) {
          sum += *in * weight;
          in += image.channels;
        }
        out.at(x, y, c) = to_level(sum);
      }
    }
  }
  return out;
}

Image resize_vertically(const Image& image, int height, const Kernel& kernel) {
  const std::vector<Taps> taps = taps_of(image.height, height, kernel);
  Image out(image.width, height, image.channels);
  const size_t row_values = static_cast<size_t>(image.width) * image.channels;
  std::vector<int> sums(row_values);
  for (int y = 0; y < height; ++y) {
    const Taps& tap = taps[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), 1 << (kPrecisionBits - 1));
    for (size_t k = 0; k < tap.weights.size(); ++k) {
      const uint8_t* in = &image.pixels[image.index(0, tap.first + static_cast<int>(k))];
      for (size_t i = 0; i < row_values; ++i) sums[i] += in[i] * tap.weights[k];
    }
    uint8_t* row = &out.pixels[out.index(0, y)];
    for (size_t i = 0; i < row_values; ++i) row[i] = to_level(sums[i]);
  }
  return out;
}

// Pillow adds the step up instead of multiplying; at some ratios that decides a tie.
std::vector<int> nearest_positions(int in_size, int out_size) {
  const double step = static_cast<double>(in_size) / out_size;
  std::vector<int> positions;
  double position = step * 0.5;
  for (int out = 0; out < out_size; ++out, position += step) {
    positions.push_back(std::min(static_cast<int>(position), in_size - 1));
  }
  return positions;
}

Image resize_nearest(const Image& image, int width, int height) {
  const std::vector<int> columns = nearest_positions(image.width, width);
  const std::vector<int> rows = nearest_positions(image.height, height);
  Image out(width, height, image.channels);
  uint8_t* next = out.pixels.data();
  for (int row : rows) {
    for (int column : columns) {
      next = std::copy_n(&image.pixels[image.index(column, row)], image.channels, next);
    }
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int width, int height, Filter filter) {
  if (width < 1 || height < 1 || image.empty()) {
    throw usage_error(str("cannot resize a picture of ", image.width, "x", image.height, " to ",
                          width, "x", height, ", expected at least 1x1"));
  }
  if (width == image.width && height == image.height) return image;
  if (filter == Filter::kNearest) return resize_nearest(image, width, height);
  const Kernel kernel = kernel_of(filter);
  Image out = width == image.width ? image : resize_horizontally(image, width, kernel);
  return height == image.height ? out : resize_vertically(out, height, kernel);
}

Image crop(const Image& image, int left, int top, int width, int height) {
  if (width < 1 || height < 1 || left < 0 || top < 0 || width > image.width - left ||
      height > image.height - top) {
    throw usage_error(str("cannot cut ", width, "x", height, " pixels at (", left, ", ", top,
                          ") from a picture of ", image.width, "x", image.height));
  }
  Image out(width, height, image.channels);
  const size_t row_values = static_cast<size_t>(width) * image.channels;
  for (int y = 0; y < height; ++y) {
    std::copy_n(&image.pixels[image.index(left, top + y)], row_values,
                &out.pixels[out.index(0, y)]);
  }
  return out;
}

}  // namespace reasonbrain::io
