// Integers in binary files. The caller checks that the bytes are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reasonbrain::io {

enum class ByteOrder { kBig, kLittle };

inline uint32_t read_uint(std::string_view bytes, size_t at, int num_bytes, ByteOrder order) {
  uint32_t value = 0;
  for (int i = 0; i < num_bytes; ++i) {
    const int next = order == ByteOrder::kBig ? i : num_bytes - 1 - i;
    value = value << 8 | static_cast<uint8_t>(bytes[at + static_cast<size_t>(next)]);
  }
  return value;
}

}  // namespace reasonbrain::io
