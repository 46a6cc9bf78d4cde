#include "io/image_header.h"

#include <algorithm>

#include "core/str.h"
#include "io/bytes.h"
#include "io/png_chunks.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr std::string_view kExifPrefix("Exif\0\0", 6);

Error damaged(const std::string& origin, const std::string& problem) {
  return data_error(origin + ": " + problem + "; get the file again");
}

// The orientation in a block of EXIF data (a TIFF header and its first directory); 1 when the block
// says nothing sensible.
int exif_orientation(std::string_view exif) {
  constexpr uint32_t kOrientationTag = 0x0112;
  constexpr size_t kEntryBytes = 12;
  if (exif.starts_with(kExifPrefix)) exif.remove_prefix(kExifPrefix.size());
  if (exif.size() < 8) return 1;
  const bool little = exif.starts_with("II");
  if (!little && !exif.starts_with("MM")) return 1;
  const ByteOrder order = little ? ByteOrder::kLittle : ByteOrder::kBig;
  const size_t directory = read_uint(exif, 4, 4, order);
  if (directory + 2 > exif.size()) return 1;
  const size_t count = read_uint(exif, directory, 2, order);
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > exif.size()) return 1;
    if (read_uint(exif, entry, 2, order) != kOrientationTag) continue;
    const auto value = static_cast<int>(read_uint(exif, entry + 8, 2, order));
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

ImageHeader read_png(std::string_view bytes, const std::string& origin) {
  constexpr int kPaletteColour = 3;
  const std::vector<PngChunk> chunks = read_png_chunks(bytes, origin);
  const std::string_view ihdr = chunks.front().data;
  ImageHeader header;
  header.format = ImageFormat::kPng;
  header.width = read_uint(ihdr, 0, 4, ByteOrder::kBig);
  header.height = read_uint(ihdr, 4, 4, ByteOrder::kBig);
  header.bit_depth = static_cast<uint8_t>(ihdr[8]);
  header.palette = ihdr[9] == kPaletteColour;
  bool has_palette = false;
  for (const PngChunk& chunk : chunks) {
    if (chunk.type == "eXIf") header.orientation = exif_orientation(chunk.data);
    has_palette = has_palette || chunk.type == "PLTE";
  }
  if (header.palette && !has_palette) throw damaged(origin, "the PNG file has no palette (PLTE)");
  return header;
}

bool is_frame_marker(uint8_t marker) {  // SOF0..SOF15 without DHT, JPG and DAC
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

ImageHeader read_jpeg(std::string_view bytes, const std::string& origin) {
  constexpr uint8_t kStartOfScan = 0xDA, kApp1 = 0xE1, kEndOfImage = 0xD9;
  ImageHeader header;
  header.format = ImageFormat::kJpeg;
  size_t at = 2;
  while (true) {
    while (at + 1 < bytes.size() && bytes[at] == '\xFF' && bytes[at + 1] == '\xFF') ++at;  // fill
    if (at + 4 > bytes.size()) throw damaged(origin, "the JPEG file is cut short");
    const auto marker = static_cast<uint8_t>(bytes[at + 1]);
    if (bytes[at] != '\xFF' || marker == 0 || marker == kEndOfImage) {
      throw damaged(origin, str("the JPEG file is damaged near byte ", at));
    }
    const size_t length = read_uint(bytes, at + 2, 2, ByteOrder::kBig);
    if (length < 2 || at + 2 + length > bytes.size()) {
      throw damaged(origin, "the JPEG file is cut short");
    }
    const std::string_view segment = bytes.substr(at + 4, length - 2);
    if (is_frame_marker(marker)) {
      if (segment.size() < 6) throw damaged(origin, "the JPEG file has a broken header");
      header.bit_depth = static_cast<uint8_t>(segment[0]);
      header.height = read_uint(segment, 1, 2, ByteOrder::kBig);
      header.width = read_uint(segment, 3, 2, ByteOrder::kBig);
    } else if (marker == kApp1 && segment.starts_with(kExifPrefix)) {
      header.orientation = exif_orientation(segment);
    }
    at += 2 + length;
    if (marker == kStartOfScan) break;
  }
  if (bytes.find("\xFF\xD9", at) == std::string_view::npos) {
    throw damaged(origin, "the JPEG file is cut short (no end marker)");
  }
  return header;
}

ImageHeader read_webp(std::string_view bytes, const std::string& origin) {
  constexpr size_t kFirstChunk = 12, kChunkHeader = 8;
  const auto little = [&](size_t at, int n) { return read_uint(bytes, at, n, ByteOrder::kLittle); };
  const uint64_t end = 8 + static_cast<uint64_t>(little(4, 4));
  if (end > bytes.size()) throw damaged(origin, "the WebP file is cut short");
  ImageHeader header;
  header.format = ImageFormat::kWebp;
  for (uint64_t at = kFirstChunk; at + kChunkHeader <= end;) {
    const std::string_view type = bytes.substr(at, 4);
    const uint64_t length = little(at + 4, 4);
    const uint64_t data = at + kChunkHeader;
    if (data + length > end) throw damaged(origin, "the WebP file is damaged");
    const bool sized = header.width > 0;  // VP8X comes first and gives the size of the canvas
    if (type == "VP8X" && length >= 10) {
      header.width = 1 + static_cast<int64_t>(little(data + 4, 3));
      header.height = 1 + static_cast<int64_t>(little(data + 7, 3));
    } else if (type == "VP8 " && length >= 10 && !sized) {
      header.width = little(data + 6, 2) & 0x3FFF;
      header.height = little(data + 8, 2) & 0x3FFF;
    } else if (type == "VP8L" && length >= 5 && !sized) {
      const uint32_t bits = little(data + 1, 4);
      header.width = 1 + (bits & 0x3FFF);
      header.height = 1 + (bits >> 14 & 0x3FFF);
    } else if (type == "ANIM" || type == "ANMF") {
      throw data_error(origin + ": the WebP file is animated; save one frame of it");
    } else if (type == "EXIF") {
      header.orientation = exif_orientation(bytes.substr(data, length));
    }
    at = data + length + length % 2;
  }
  return header;
}

// What a file that is no picture of ours seems to be, for the message.
std::string guess_kind(std::string_view bytes) {
  const std::pair<std::string_view, const char*> kKinds[] = {
      {"GIF8", "a GIF file"},       {"BM", "a BMP file"},
      {"II*", "a TIFF file"},       {std::string_view("MM\0*", 4), "a TIFF file"},
      {"%PDF", "a PDF file"},       {"<", "an HTML or SVG file"},
      {"PK\x03\x04", "a ZIP file"}, {"{", "a JSON file"}};
  for (const auto& [prefix, kind] : kKinds) {
    if (bytes.starts_with(prefix)) return kind;
  }
  if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp") return "a HEIC, AVIF or video file";
  return "something else";
}

}  // namespace

ImageHeader read_image_header(std::string_view bytes, const std::string& origin) {
  if (bytes.empty()) throw damaged(origin, "the picture is empty (0 bytes)");
  ImageHeader header;
  if (bytes.starts_with(kPngSignature)) {
    header = read_png(bytes, origin);
  } else if (bytes.starts_with("\xFF\xD8\xFF")) {
    header = read_jpeg(bytes, origin);
  } else if (bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") {
    header = read_webp(bytes, origin);
  } else {
    throw data_error(str(origin, ": expected a PNG, JPEG or WebP picture, got ", guess_kind(bytes),
                         "; convert it first"));
  }
  if (header.width < 1 || header.height < 1) {
    throw damaged(origin, str("the picture is damaged: its header says ", header.width, "x",
                              header.height, " pixels"));
  }
  return header;
}

}  // namespace reasonbrain::io
