// Resizing that gives the same bytes as Pillow 9.4 (Image.resize), and torchvision's geometry
// around it. The horizontal pass always comes first; Pillow 13 swaps the passes when the result is
// wider and flatter than the picture.
#pragma once

#include <cstddef>

#include "reasonbrain/image.h"

namespace reasonbrain::io {

enum class Filter { kNearest, kBox, kBilinear, kBicubic, kLanczos };

// Antialiased when shrinking; 8-bit between the horizontal and the vertical pass. width, height
// >= 1.
Image resize(const Image& image, int width, int height, Filter filter);

// Short side -> size, long side -> int(size * long / short), as torchvision.transforms.Resize.
Image resize_short_side(const Image& image, int size, Filter filter);

// An odd margin: torchvision rounds half to even, Hugging Face's image processors round down.
enum class CropRounding { kHalfEven, kDown };

Image center_crop(const Image& image, int width, int height,
                  CropRounding rounding = CropRounding::kHalfEven);

// The rectangle must lie inside the image.
Image crop(const Image& image, int left, int top, int width, int height);

}  // namespace reasonbrain::io
