// What the first bytes of a picture say, read without decoding and without trusting them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reasonbrain::io {

enum class ImageFormat { kPng, kJpeg, kWebp };

struct ImageHeader {
  ImageFormat format = ImageFormat::kPng;
  int64_t width = 0, height = 0;  // pixels as stored, before the orientation is applied
  int bit_depth = 8;              // bits of a channel, or of a palette index
  bool palette = false;           // PNG colour type 3
  int orientation = 1;            // EXIF, 1 to 8
};

// Throws Error(kData) naming `origin` when the bytes are empty, no PNG, JPEG or WebP, an animation
// in WebP, damaged or cut short: PNG chunks and their checksums up to IEND, JPEG up to its end
// marker, WebP up to its length.
ImageHeader read_image_header(std::string_view bytes, const std::string& origin);

}  // namespace reasonbrain::io
