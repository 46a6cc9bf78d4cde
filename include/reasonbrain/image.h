// 8-bit pictures in memory.
#pragma once

#include <cstdint>
#include <vector>

namespace reasonbrain::io {

// Rows from top to bottom, channels interleaved. 3 channels are R, G, B; 1 channel is grey or a
// label map.
struct Image {
  int width = 0;   // pixels
  int height = 0;  // pixels
  int channels = 3;
  std::vector<uint8_t> pixels;  // height * width * channels

  Image() = default;
  Image(int width, int height, int channels, uint8_t value = 0)
      : width(width),
        height(height),
        channels(channels),
        pixels(static_cast<size_t>(width) * height * channels, value) {}

  bool empty() const { return pixels.empty(); }
  size_t index(int x, int y, int c = 0) const {
    return (static_cast<size_t>(y) * width + x) * channels + c;
  }
  uint8_t& at(int x, int y, int c = 0) { return pixels[index(x, y, c)]; }
  uint8_t at(int x, int y, int c = 0) const { return pixels[index(x, y, c)]; }
  bool same_shape(const Image& other) const {
    return width == other.width && height == other.height && channels == other.channels;
  }
  bool operator==(const Image&) const = default;
};

}  // namespace reasonbrain::io
