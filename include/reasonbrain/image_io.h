// Reading and writing pictures: PNG, JPEG and WebP.
//
// Every problem with an input is an Error(kData) that names it (`origin`, where bytes are given)
// and says how to mend it. Animated WebP is refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reasonbrain/image.h"

namespace reasonbrain::io {

struct ReadOptions {
  int64_t max_pixels = 100'000'000;  // width times height; checked against the header, before
                                     // anything is decoded
  uint64_t max_bytes = 1ull << 30;   // of a file
};

// RGB, upright: EXIF orientation is applied, grey and palettes become RGB, alpha is dropped (not
// blended), 16 bits become the upper 8.
Image read_image(const std::filesystem::path& path, const ReadOptions& options = {});
Image decode_image(std::string_view bytes, const std::string& origin,
                   const ReadOptions& options = {});

// An instance map: 1 channel, 0 = background, values exactly as stored (a palette PNG gives its
// indices). A black-and-white picture is one region, label 1. Only PNG and WebP, grey or with a
// palette, of at most 8 bits: JPEG is lossy.
Image read_label_map(const std::filesystem::path& path, const ReadOptions& options = {});
Image decode_label_map(std::string_view bytes, const std::string& origin,
                       const ReadOptions& options = {});

// Keyword (1 to 79 printable ASCII characters) and UTF-8 text.
using PngText = std::vector<std::pair<std::string, std::string>>;

// 1 or 3 channels; Error(kRuntime) for other or empty pictures and other keywords.
std::string encode_png(const Image& image, const PngText& metadata = {});
std::string encode_jpeg(const Image& image, int quality = 95);  // quality 1 to 100

// Appears complete or not at all; Error(kRuntime) when it cannot be written.
void write_png(const std::filesystem::path& path, const Image& image, const PngText& metadata = {});

}  // namespace reasonbrain::io
