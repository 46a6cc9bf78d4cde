#include "io/png_chunks.h"

#include <array>

#include "core/str.h"
#include "io/bytes.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr size_t kChunkOverhead = 12;  // length, type, checksum
constexpr size_t kHeaderBytes = 13;

std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < 256; ++n) {
    uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}

uint32_t crc32(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = crc_table();
  uint32_t crc = 0xFFFFFFFFu;
  for (char c : bytes) crc = table[(crc ^ static_cast<uint8_t>(c)) & 255] ^ (crc >> 8);
  return ~crc;
}

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

}  // namespace

std::vector<PngChunk> read_png_chunks(std::string_view bytes, const std::string& origin) {
  const auto cut_short = [&] {
    return data_error(
        str(origin, ": the PNG file is cut short at ", bytes.size(), " bytes; get the file again"));
  };
  std::vector<PngChunk> chunks;
  size_t at = kPngSignature.size();
  while (true) {
    if (bytes.size() < at + kChunkOverhead) throw cut_short();
    const size_t length = read_uint(bytes, at, 4, ByteOrder::kBig);
    if (length > bytes.size() - at - kChunkOverhead) throw cut_short();
    PngChunk chunk{std::string(bytes.substr(at + 4, 4)), bytes.substr(at + 8, length),
                   bytes.substr(at, length + kChunkOverhead)};
    const uint32_t crc = read_uint(bytes, at + 8 + length, 4, ByteOrder::kBig);
    if (crc != crc32(bytes.substr(at + 4, 4 + length))) {
      throw data_error(str(origin, ": the PNG file is damaged near byte ", at,
                           " (wrong checksum); get the file again"));
    }
    if (chunks.empty() && (chunk.type != "IHDR" || length != kHeaderBytes)) {
      throw data_error(origin + ": the PNG file does not start with its header");
    }
    const bool last = chunk.type == "IEND";
    chunks.push_back(std::move(chunk));
    if (last) return chunks;
    at += length + kChunkOverhead;
  }
}

std::string make_png_chunk(const std::string& type, std::string_view data) {
  const std::string body = type + std::string(data);
  return big_endian(static_cast<uint32_t>(data.size())) + body + big_endian(crc32(body));
}

}  // namespace reasonbrain::io
