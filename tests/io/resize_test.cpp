#include "io/resize.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/expect_error.h"

namespace reasonbrain::io {
namespace {

// v = (37x + 57y + 91c + 5((xy) mod 23)) mod 256
Image formula_a(int width, int height) {
  Image image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.at(x, y, c) = static_cast<uint8_t>(37 * x + 57 * y + 91 * c + 5 * (x * y % 23));
      }
    }
  }
  return image;
}

int64_t sum(const Image& image) {
  return std::accumulate(image.pixels.begin(), image.pixels.end(), int64_t{0});
}

int64_t weighted_sum(const Image& image) {
  int64_t total = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    total += image.pixels[i] * static_cast<int64_t>(i % 251 + 1);
  }
  return total;
}

std::vector<int> pixel(const Image& image, int x, int y) {
  return {image.at(x, y, 0), image.at(x, y, 1), image.at(x, y, 2)};
}

// Made with Pillow 9.4.
TEST(Resize, MatchesPillowPixels) {
  const Image a = formula_a(61, 47);
  EXPECT_EQ(pixel(resize(a, 32, 32, Filter::kBicubic), 3, 5), (std::vector<int>{208, 80, 114}));
  EXPECT_EQ(pixel(resize(a, 100, 80, Filter::kBicubic), 3, 5), (std::vector<int>{113, 87, 177}));
  EXPECT_EQ(pixel(resize(a, 61, 20, Filter::kBicubic), 3, 5), (std::vector<int>{127, 184, 87}));
  EXPECT_EQ(pixel(resize(a, 32, 32, Filter::kBilinear), 3, 5), (std::vector<int>{188, 90, 118}));
  EXPECT_EQ(pixel(resize(a, 32, 32, Filter::kLanczos), 3, 5), (std::vector<int>{223, 71, 108}));
}

struct PillowSum {
  Filter filter;
  int width, height;
  int64_t sum, weighted_sum;
};

// From scripts/golden/pictures.py.
constexpr PillowSum kPillowSums[] = {
    {Filter::kNearest, 32, 32, 393275, 48917282},
    {Filter::kNearest, 100, 80, 3055875, 383942576},
    {Filter::kNearest, 61, 20, 462692, 57652250},
    {Filter::kNearest, 7, 47, 125562, 15701724},
    {Filter::kNearest, 1, 1, 368, 662},
    {Filter::kNearest, 200, 3, 231054, 28283002},
    {Filter::kBox, 32, 32, 393413, 48999268},
    {Filter::kBox, 100, 80, 3055875, 383942576},
    {Filter::kBox, 61, 20, 467510, 58113655},
    {Filter::kBox, 7, 47, 125760, 15625808},
    {Filter::kBox, 1, 1, 382, 762},
    {Filter::kBox, 200, 3, 229356, 28306800},
    {Filter::kBilinear, 32, 32, 391230, 48694878},
    {Filter::kBilinear, 100, 80, 3057830, 384851789},
    {Filter::kBilinear, 61, 20, 466305, 57875756},
    {Filter::kBilinear, 7, 47, 125791, 15622851},
    {Filter::kBilinear, 1, 1, 382, 760},
    {Filter::kBilinear, 200, 3, 229472, 28313963},
    {Filter::kBicubic, 32, 32, 391306, 48715510},
    {Filter::kBicubic, 100, 80, 3057387, 384826839},
    {Filter::kBicubic, 61, 20, 466249, 57882115},
    {Filter::kBicubic, 7, 47, 125792, 15625342},
    {Filter::kBicubic, 1, 1, 383, 763},
    {Filter::kBicubic, 200, 3, 229464, 28309874},
    {Filter::kLanczos, 32, 32, 391399, 48720351},
    {Filter::kLanczos, 100, 80, 3057041, 384815849},
    {Filter::kLanczos, 61, 20, 466263, 57873059},
    {Filter::kLanczos, 7, 47, 125814, 15628477},
    {Filter::kLanczos, 1, 1, 383, 763},
    {Filter::kLanczos, 200, 3, 229422, 28304718},
};

TEST(Resize, MatchesPillowSums) {
  const Image a = formula_a(61, 47);
  for (const PillowSum& expected : kPillowSums) {
    const Image resized = resize(a, expected.width, expected.height, expected.filter);
    EXPECT_EQ(sum(resized), expected.sum) << expected.width << "x" << expected.height;
    EXPECT_EQ(weighted_sum(resized), expected.weighted_sum);
  }
}

TEST(Resize, KeepsGreyAndEqualSize) {
  Image grey(9, 5, 1, 77);
  EXPECT_EQ(resize(grey, 9, 5, Filter::kLanczos), grey);
  EXPECT_EQ(resize(grey, 4, 11, Filter::kBicubic), Image(4, 11, 1, 77));
  EXPECT_ERROR(resize(grey, 0, 5, Filter::kBox), kUsage, "0x5");
  EXPECT_ERROR(resize(Image(), 5, 5, Filter::kBox), kUsage, "expected at least");
}

TEST(Crop, CutsTheRectangle) {
  const Image a = formula_a(61, 47);
  const Image cut = crop(a, 7, 5, 20, 9);
  ASSERT_EQ(cut.width, 20);
  ASSERT_EQ(cut.height, 9);
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(cut.at(0, 0, c), a.at(7, 5, c));
    EXPECT_EQ(cut.at(19, 8, c), a.at(26, 13, c));
  }
  EXPECT_ERROR(crop(a, 58, 0, 4, 1), kUsage, "4x1");
  EXPECT_ERROR(crop(a, 0, 0, 62, 1), kUsage, "62x1");
}

}  // namespace
}  // namespace reasonbrain::io
