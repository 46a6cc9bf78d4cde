#include "reasonbrain/image_io.h"

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/image_header.h"
#include "io/png_chunks.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr int64_t kMaxSide = 1'000'000;  // of libpng

ImageHeader checked_header(std::string_view bytes, const std::string& origin,
                           const ReadOptions& options) {
  const ImageHeader header = read_image_header(bytes, origin);
  if (header.width > kMaxSide || header.height > kMaxSide) {
    throw data_error(str(origin, ": the picture is ", header.width, "x", header.height,
                         ", expected at most ", kMaxSide, " pixels a side; scale it down"));
  }
  if (header.width * header.height > options.max_pixels) {
    throw data_error(str(origin, ": the picture has ", header.width, "x", header.height,
                         " pixels, expected at most ", options.max_pixels, "; scale it down"));
  }
  return header;
}

// The same PNG file with the chunks that make its pixels. The others change no value (alpha is
// dropped, the orientation stands in the header), and libpng prints about those that are damaged.
// as_indices: a palette picture becomes a grey one whose levels are the indices, scaled to 8 bits.
std::string plain_png(std::string_view bytes, bool as_indices, const ImageHeader& header,
                      const std::string& origin) {
  std::string out(kPngSignature);
  for (const PngChunk& chunk : read_png_chunks(bytes, origin)) {
    const bool ancillary = (chunk.type[0] & 0x20) != 0;
    const bool unused_palette = chunk.type == "PLTE" && (as_indices || !header.palette);
    if (ancillary || unused_palette) continue;
    if (as_indices && chunk.type == "IHDR") {
      constexpr size_t kColourType = 9;
      std::string data(chunk.data);
      data[kColourType] = 0;
      out += make_png_chunk(chunk.type, data);
    } else {
      out += chunk.whole;
    }
  }
  return out;
}

cv::Mat decode(std::string_view bytes, int flags, const ImageHeader& header,
               const std::string& origin) {
  std::string plain;
  if (header.format == ImageFormat::kPng) {
    const bool as_indices = header.palette && flags == cv::IMREAD_GRAYSCALE;
    plain = plain_png(bytes, as_indices, header, origin);
    bytes = plain;
  }
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8UC1,
                       const_cast<char*>(bytes.data()));  // only read
  cv::Mat decoded;
  std::string reason;
  try {
    decoded = cv::imdecode(buffer, flags | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception& problem) {
    reason = " (" + problem.err + ")";
  }
  if (decoded.empty() || decoded.cols != header.width || decoded.rows != header.height) {
    throw data_error(str(origin, ": the picture cannot be decoded", reason,
                         ", it is damaged; get the file again"));
  }
  return decoded;
}

// EXIF orientation: what has to be done to show the picture upright.
cv::Mat upright(const cv::Mat& stored, int orientation) {
  cv::Mat turned = stored;
  const bool transposed = orientation >= 5;
  if (transposed) cv::transpose(stored, turned);
  const bool mirror_x =
      orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool mirror_y =
      orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  if (!mirror_x && !mirror_y) return turned;
  cv::Mat flipped;
  cv::flip(turned, flipped, mirror_x && mirror_y ? -1 : mirror_x ? 1 : 0);
  return flipped;
}

Image to_image(const cv::Mat& mat) {  // 8-bit, 1 channel or BGR
  Image image(mat.cols, mat.rows, mat.channels());
  cv::Mat view(mat.rows, mat.cols, mat.type(), image.pixels.data());
  if (mat.channels() == 3) {
    cv::cvtColor(mat, view, cv::COLOR_BGR2RGB);
  } else {
    mat.copyTo(view);
  }
  return image;
}

cv::Mat to_bgr(const Image& image) {
  if (image.empty() || (image.channels != 1 && image.channels != 3)) {
    throw runtime_error(str("cannot encode a picture of ", image.width, "x", image.height, " with ",
                            image.channels, " channels"));
  }
  const cv::Mat view(image.height, image.width, image.channels == 1 ? CV_8UC1 : CV_8UC3,
                     const_cast<uint8_t*>(image.pixels.data()));  // only read
  if (image.channels == 1) return view;
  cv::Mat bgr;
  cv::cvtColor(view, bgr, cv::COLOR_RGB2BGR);
  return bgr;
}

Image decode_palette_indices(std::string_view bytes, const ImageHeader& header,
                             const std::string& origin) {
  Image image = to_image(decode(bytes, cv::IMREAD_GRAYSCALE, header, origin));
  const int scale = 255 / ((1 << header.bit_depth) - 1);
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(value / scale);
  return image;
}

// The common value of the colour channels; alpha is dropped.
Image single_channel(const cv::Mat& mat, const std::string& origin) {
  Image image(mat.cols, mat.rows, 1);
  const int channels = mat.channels();
  for (int y = 0; y < mat.rows; ++y) {
    const uint8_t* row = mat.ptr<uint8_t>(y);
    for (int x = 0; x < mat.cols; ++x, row += channels) {
      if (channels >= 3 && (row[0] != row[1] || row[1] != row[2])) {
        throw data_error(str(origin,
                             ": expected an instance map (grey values 1, 2, ... on 0), got a ",
                             "colour picture"));
      }
      image.at(x, y) = row[0];
    }
  }
  return image;
}

void label_black_and_white(Image& image) {
  const auto other = [](uint8_t value) { return value != 0 && value != 255; };
  if (std::any_of(image.pixels.begin(), image.pixels.end(), other)) return;
  for (uint8_t& value : image.pixels) value = value == 255 ? 1 : 0;
}

std::string text_chunk(const std::string& keyword, const std::string& text) {
  const auto printable = [](unsigned char c) { return c >= 32 && c < 127; };
  if (keyword.empty() || keyword.size() > 79 ||
      !std::all_of(keyword.begin(), keyword.end(), printable)) {
    throw runtime_error("cannot write the PNG keyword '" + keyword + "'");
  }
  const bool ascii = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 128; });
  if (ascii) return make_png_chunk("tEXt", keyword + '\0' + text);
  // Not compressed, no language, no translated keyword.
  return make_png_chunk("iTXt", keyword + std::string(5, '\0') + text);
}

std::string encode(const Image& image, const char* extension, const std::vector<int>& parameters) {
  std::vector<uint8_t> bytes;
  try {
    if (!cv::imencode(extension, to_bgr(image), bytes, parameters)) {
      throw runtime_error("cannot encode the picture");
    }
  } catch (const cv::Exception& problem) {
    throw runtime_error("cannot encode the picture: " + problem.err);
  }
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

Image decode_image(std::string_view bytes, const std::string& origin, const ReadOptions& options) {
  const ImageHeader header = checked_header(bytes, origin, options);
  return to_image(upright(decode(bytes, cv::IMREAD_COLOR, header, origin), header.orientation));
}

Image read_image(const std::filesystem::path& path, const ReadOptions& options) {
  return decode_image(read_file(path, options.max_bytes), path.string(), options);
}

Image decode_label_map(std::string_view bytes, const std::string& origin,
                       const ReadOptions& options) {
  const ImageHeader header = checked_header(bytes, origin, options);
  if (header.format == ImageFormat::kJpeg) {
    throw data_error(origin +
                     ": an instance map must not be a JPEG, which changes values; use PNG");
  }
  if (header.bit_depth > 8) {
    throw data_error(str(origin, ": expected an instance map of 8 bits, got ", header.bit_depth));
  }
  if (header.palette) return decode_palette_indices(bytes, header, origin);
  Image image = single_channel(decode(bytes, cv::IMREAD_UNCHANGED, header, origin), origin);
  label_black_and_white(image);
  return image;
}

Image read_label_map(const std::filesystem::path& path, const ReadOptions& options) {
  return decode_label_map(read_file(path, options.max_bytes), path.string(), options);
}

std::string encode_png(const Image& image, const PngText& metadata) {
  std::string bytes = encode(image, ".png", {});
  std::string chunks;
  for (const auto& [keyword, text] : metadata) chunks += text_chunk(keyword, text);
  bytes.insert(kPngHeaderEnd, chunks);
  return bytes;
}

std::string encode_jpeg(const Image& image, int quality) {
  return encode(image, ".jpg", {cv::IMWRITE_JPEG_QUALITY, quality});
}

void write_png(const std::filesystem::path& path, const Image& image, const PngText& metadata) {
  write_file_atomic(path, encode_png(image, metadata));
}

}  // namespace reasonbrain::io
