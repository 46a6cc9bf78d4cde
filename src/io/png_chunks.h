// The chunks of a PNG file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::io {

constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr size_t kPngHeaderEnd = 33;  // signature and the IHDR chunk, which comes first

struct PngChunk {
  std::string type;        // 4 letters
  std::string_view data;   // views the file
  std::string_view whole;  // with length, type and checksum
};

// All chunks up to IEND, the first being a whole IHDR. Throws Error(kData) naming `origin` when the
// file is cut short or a checksum is wrong.
std::vector<PngChunk> read_png_chunks(std::string_view bytes, const std::string& origin);

// A chunk with its length and checksum.
std::string make_png_chunk(const std::string& type, std::string_view data);

}  // namespace reasonbrain::io
