#include "reasonbrain/image_io.h"

#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/expect_error.h"
#include "core/str.h"
#include "core/temp_dir.h"
#include "io/png_chunks.h"

namespace reasonbrain::io {
namespace {

// Sum of all values, each times its position modulo 251, plus one: Pillow's convert("RGB") gave
// these.
int64_t weighted_sum(const Image& image) {
  int64_t sum = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    sum += image.pixels[i] * static_cast<int64_t>(i % 251 + 1);
  }
  return sum;
}

std::string fixture(const std::string& name) {
  return std::string(RB_TEST_DATA "/") + name;
}

enum class Colour { kRed, kGreen, kBlue, kGrey };

Colour colour_at(const Image& image, int x, int y) {
  const uint8_t r = image.at(x, y, 0), g = image.at(x, y, 1), b = image.at(x, y, 2);
  if (r > 200 && g > 200) return Colour::kGrey;
  return r > 200   ? Colour::kRed
         : g > 200 ? Colour::kGreen
         : b > 200 ? Colour::kBlue
                   : Colour::kGrey;
}

// Clockwise from the upper left corner.
std::vector<Colour> corners(const Image& image) {
  const int right = image.width - 5, bottom = image.height - 5;
  return {colour_at(image, 4, 4), colour_at(image, right, 4), colour_at(image, right, bottom),
          colour_at(image, 4, bottom)};
}

const std::vector<Colour> kUpright = {Colour::kRed, Colour::kGreen, Colour::kGrey, Colour::kBlue};

TEST(ReadImage, ReadsPngJpegAndWebp) {
  for (const char* name : {"plain.png", "plain.jpg", "lossless.webp", "lossy.webp"}) {
    const Image image = read_image(fixture(name));
    EXPECT_EQ(image.width, 96) << name;
    EXPECT_EQ(image.height, 64) << name;
    EXPECT_EQ(image.channels, 3) << name;
    EXPECT_EQ(corners(image), kUpright) << name;
  }
  EXPECT_EQ(read_image(fixture("plain.png")), read_image(fixture("lossless.webp")));
}

// What every orientation does to the corners of the stored picture, from the EXIF standard.
TEST(ReadImage, HonoursExifOrientation) {
  const Colour r = Colour::kRed, g = Colour::kGreen, w = Colour::kGrey, b = Colour::kBlue;
  const std::vector<std::vector<Colour>> expected = {{r, g, w, b}, {g, r, b, w}, {w, b, r, g},
                                                     {b, w, g, r}, {r, b, w, g}, {b, r, g, w},
                                                     {w, g, r, b}, {g, w, b, r}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image image = read_image(fixture(str("exif", orientation, ".jpg")));
    EXPECT_EQ(image.width, orientation < 5 ? 96 : 64) << orientation;
    EXPECT_EQ(corners(image), expected[static_cast<size_t>(orientation - 1)]) << orientation;
  }
  EXPECT_EQ(corners(read_image(fixture("exif6.png"))), expected[5]);
  EXPECT_EQ(corners(read_image(fixture("exif6.webp"))), expected[5]);
}

TEST(ReadImage, ConvertsEveryKindToRgb) {
  EXPECT_EQ(weighted_sum(read_image(fixture("grey.png"))), 2286651);
  EXPECT_EQ(weighted_sum(read_image(fixture("grey_alpha.png"))), 2286651);
  EXPECT_EQ(weighted_sum(read_image(fixture("rgba.png"))), 2289720);
  const Image indexed = read_image(fixture("labels_palette4.png"));
  EXPECT_EQ(indexed.at(1, 0, 0), 200);
  EXPECT_EQ(indexed.at(5, 0, 1), 255);
  const Image deep = read_image(fixture("grey16.png"));
  for (int i = 0; i < 63; ++i) EXPECT_EQ(deep.at(i % 9, i / 9), i * 1000 >> 8);
}

TEST(ReadImage, KeepsOnePixel) {
  const Image image(1, 1, 3, 9);
  EXPECT_EQ(decode_image(encode_png(image), "one"), image);
}

TEST(ReadImage, RefusesEveryTruncation) {
  for (const char* name : {"plain.png", "plain.jpg", "lossless.webp", "lossy.webp", "exif6.png"}) {
    const std::string bytes = read_file(fixture(name));
    for (size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_ERROR(decode_image(std::string_view(bytes).substr(0, length), "cut"), kData, "cut: ");
    }
  }
}

TEST(ReadImage, RefusesDamagedPng) {
  const std::string bytes = read_file(fixture("plain.png"));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_ERROR(decode_image(damaged, "bad"), kData, "bad: ");
  }
}

TEST(ReadImage, SurvivesDamageOfOtherFormats) {
  for (const char* name : {"plain.jpg", "lossy.webp", "lossless.webp"}) {
    const std::string bytes = read_file(fixture(name));
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
      try {
        const Image image = decode_image(damaged, "bad", {.max_pixels = 1'000'000});
        EXPECT_EQ(image.channels, 3);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kData) << name << " byte " << i;
      }
    }
  }
}

std::string png_of_size(uint32_t width, uint32_t height) {
  std::string ihdr;
  for (uint32_t value : {width, height}) {
    for (int shift = 24; shift >= 0; shift -= 8) ihdr += static_cast<char>(value >> shift);
  }
  ihdr += std::string("\x08\x02\x00\x00\x00", 5);
  return std::string(kPngSignature) + make_png_chunk("IHDR", ihdr) + make_png_chunk("IDAT", "x") +
         make_png_chunk("IEND", "");
}

TEST(ReadImage, ChecksTheSizeBeforeDecoding) {
  EXPECT_ERROR(decode_image(png_of_size(20000, 20000), "big"), kData, "20000x20000");
  EXPECT_ERROR(decode_image(png_of_size(0xFFFFFFFF, 0xFFFFFFFF), "big"), kData, "expected at most");
  EXPECT_ERROR(decode_image(png_of_size(1'000'001, 1), "wide"), kData,
               "wide: the picture is 1000001x1, expected at most 1000000 pixels a side");
  EXPECT_ERROR(decode_image(png_of_size(1, 2'000'000), "high"), kData, "scale it down");
  EXPECT_ERROR(decode_image(png_of_size(0, 5), "flat"), kData, "0x5");
  EXPECT_ERROR(decode_image(png_of_size(8, 8), "hollow"), kData, "cannot be decoded");
  EXPECT_ERROR(read_image(fixture("plain.png"), {.max_pixels = 96 * 64 - 1}), kData, "96x64");
  EXPECT_EQ(read_image(fixture("plain.png"), {.max_pixels = 96 * 64}).width, 96);
}

TEST(ReadImage, SaysWhatTheFileIsInstead) {
  const TempDir dir;
  EXPECT_ERROR(decode_image("", "p"), kData, "empty");
  EXPECT_ERROR(decode_image("GIF89a....", "p"), kData, "a GIF file");
  EXPECT_ERROR(decode_image("<html>", "p"), kData, "HTML");
  EXPECT_ERROR(decode_image("hello", "p"), kData, "expected a PNG, JPEG or WebP");
  EXPECT_ERROR(read_image(dir / "absent.png"), kData, "absent.png");
  EXPECT_ERROR(read_image(dir.path()), kData, "it is a folder");
}

TEST(ReadLabelMap, KeepsValuesExactly) {
  const Image four = read_label_map(fixture("labels_palette4.png"));
  const Image eight = read_label_map(fixture("labels_palette8.png"));
  const Image grey = read_label_map(fixture("labels_grey.png"));
  for (const Image* image : {&four, &eight, &grey}) {
    EXPECT_EQ(image->channels, 1);
    EXPECT_EQ(image->width, 9);
    EXPECT_EQ(image->height, 7);
  }
  for (int i = 0; i < 63; ++i) {
    EXPECT_EQ(four.at(i % 9, i / 9), i % 6);
    EXPECT_EQ(eight.at(i % 9, i / 9), i % 6 * 40);
    EXPECT_EQ(grey.at(i % 9, i / 9), i % 6);
  }
}

TEST(ReadLabelMap, BlackAndWhiteIsOneRegion) {
  Image rgb(9, 7, 3);
  for (int i = 0; i < 63; ++i) {
    for (int c = 0; c < 3; ++c) rgb.at(i % 9, i / 9, c) = i % 6 > 2 ? 255 : 0;
  }
  for (const Image& mask :
       {read_label_map(fixture("mask.png")), read_label_map(fixture("mask1bit.png")),
        decode_label_map(encode_png(rgb), "rgb")}) {
    for (int i = 0; i < 63; ++i) EXPECT_EQ(mask.at(i % 9, i / 9), i % 6 > 2 ? 1 : 0);
  }
}

TEST(ReadLabelMap, RefusesWhatCannotHoldLabels) {
  EXPECT_ERROR(read_label_map(fixture("plain.jpg")), kData, "JPEG");
  EXPECT_ERROR(read_label_map(fixture("plain.png")), kData, "colour picture");
  EXPECT_ERROR(read_label_map(fixture("grey16.png")), kData, "8 bits, got 16");
}

TEST(ReadImage, AncillaryChunksNeitherSpeakNorChangePixels) {
  for (const char* name : {"plain.png", "rgba.png", "labels_palette8.png"}) {
    const std::string bytes = read_file(fixture(name));
    std::string odd(kPngSignature);
    for (const PngChunk& chunk : read_png_chunks(bytes, name)) {
      if (chunk.type == "IDAT") odd += make_png_chunk("tRNS", std::string(700, '\x01'));
      odd += chunk.whole;
      if (chunk.type != "IHDR") continue;
      odd += make_png_chunk("gAMA", "x") + make_png_chunk("cHRM", "short") +
             make_png_chunk("iCCP", "no profile") + make_png_chunk("sBIT", std::string(9, '\0'));
    }
    testing::internal::CaptureStderr();
    const Image image = decode_image(odd, name);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << name;
    EXPECT_EQ(image, decode_image(bytes, name)) << name;
  }
}

TEST(ReadImage, RefusesPalettePicturesWithoutPalette) {
  const std::string bytes = read_file(fixture("labels_palette8.png"));
  std::string bare(kPngSignature);
  for (const PngChunk& chunk : read_png_chunks(bytes, "p")) {
    if (chunk.type != "PLTE") bare += chunk.whole;
  }
  EXPECT_ERROR(decode_label_map(bare, "p"), kData, "has no palette");
  EXPECT_ERROR(decode_image(bare, "p"), kData, "has no palette");
}

TEST(ReadImage, SaysThatAWebpIsAnimated) {
  const std::string canvas("VP8X\x0a\0\0\0\x02\0\0\0\x07\0\0\x07\0\0", 18);
  const std::string chunks = "WEBP" + canvas + std::string("ANIM\x06\0\0\0\0\0\0\0\0\0", 14);
  const std::string bytes =
      "RIFF" + std::string{static_cast<char>(chunks.size()), 0, 0, 0} + chunks;
  EXPECT_ERROR(decode_image(bytes, "w"), kData, "w: the WebP file is animated; save one frame");
}

TEST(WritePng, RoundTripsPixelsAndMetadata) {
  const TempDir dir;
  Image image(5, 4, 3);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 37);
  const PngText metadata = {{"instruction", "What if?"}, {"Note", "caf\xC3\xA9"}};
  write_png(dir / "out/p.png", image, metadata);
  EXPECT_EQ(read_image(dir / "out/p.png"), image);
  const std::string bytes = read_file(dir / "out/p.png");
  std::vector<std::string> texts;
  for (const PngChunk& chunk : read_png_chunks(bytes, "p")) {
    if (chunk.type == "tEXt" || chunk.type == "iTXt") {
      texts.push_back(chunk.type + std::string(chunk.data));
    }
  }
  EXPECT_EQ(texts,
            (std::vector<std::string>{std::string("tEXtinstruction\0What if?", 24),
                                      std::string("iTXtNote\0\0\0\0\0", 13) + "caf\xC3\xA9"}));
  EXPECT_ERROR(encode_png(image, {{"", "x"}}), kRuntime, "keyword");
  EXPECT_ERROR(encode_png(Image(), {}), kRuntime, "cannot encode");
  EXPECT_ERROR(write_png("/proc/none/p.png", image), kRuntime, "/proc/none/p.png");
}

TEST(WritePng, RoundTripsLabelMaps) {
  Image labels(16, 16, 1);
  for (size_t i = 0; i < 256; ++i) labels.pixels[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(decode_label_map(encode_png(labels), "labels"), labels);
}

TEST(EncodeJpeg, StaysNearThePicture) {
  const Image image = read_image(fixture("plain.png"));
  const Image back = decode_image(encode_jpeg(image), "jpeg");
  ASSERT_TRUE(back.same_shape(image));
  EXPECT_EQ(corners(back), kUpright);
}

}  // namespace
}  // namespace reasonbrain::io
