// The container of safetensors files: reading and writing the header. Knows nothing of LibTorch.
//
// Layout: u64 little-endian header length, JSON header, data. Header entry:
// {"dtype", "shape", "data_offsets": [begin, end]} relative to the data; "__metadata__" is text to
// text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::io {

enum class Dtype { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool, kF8E4M3, kF8E5M2 };

const char* dtype_name(Dtype dtype);  // as in the file: "F32"
int dtype_bytes(Dtype dtype);

struct TensorEntry {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;   // empty for a scalar
  uint64_t begin = 0, end = 0;  // byte offsets from the start of the data

  uint64_t num_bytes() const { return end - begin; }
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  // sorted by name
  std::map<std::string, std::string> metadata;
  uint64_t data_start = 0;  // offset of the data in the file
};

// `file` is the whole file; only the header is looked at. Throws Error(kData) naming `origin` for
// anything but a well-formed file: lengths, JSON, dtypes, shapes, offsets, gaps, overlaps,
// duplicates.
SafetensorsHeader parse_safetensors(std::string_view file, const std::string& origin);

// Length field and JSON, padded with spaces so that the data starts at a multiple of 8.
// Gives `tensors` their offsets: largest element type first, then by name, and that order.
std::string layout_safetensors(std::vector<TensorEntry>& tensors,
                               const std::map<std::string, std::string>& metadata);

}  // namespace reasonbrain::io
