// Resizing that gives the same bytes as Pillow 9.4 (Image.resize). The horizontal pass always comes
// first; Pillow 13 swaps the passes when the result is wider and flatter than the picture.
#pragma once

#include <cstddef>

#include "reasonbrain/image.h"

namespace reasonbrain::io {

enum class Filter { kNearest, kBox, kBilinear, kBicubic, kLanczos };

// Antialiased when shrinking; 8-bit between the horizontal and the vertical pass. width, height
// >= 1.
Image resize(const Image& image, int width, int height, Filter filter);

// The rectangle must lie inside the image.
Image crop(const Image& image, int left, int top, int width, int height);

}  // namespace reasonbrain::io
