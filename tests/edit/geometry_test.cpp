#include "edit/geometry.h"

#include <gtest/gtest.h>

#include "core/rng.h"
#include "io/resize.h"
#include "reasonbrain/error.h"

namespace reasonbrain::edit {
namespace {

io::Image noise(int width, int height, int channels, uint64_t seed) {
  Rng rng(seed);
  io::Image image(width, height, channels);
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(rng.below(256));
  return image;
}

// Sizes around and far from the canvas, every aspect, one pixel.
const std::vector<std::pair<int, int>> kSizes = {
    {64, 64}, {1, 1},   {1, 500},  {500, 1},   {63, 64},   {64, 63}, {65, 64},
    {31, 7},  {127, 3}, {97, 211}, {256, 256}, {640, 359}, {2, 3}};

TEST(Geometry, AnUneditedCanvasGivesThePictureBack) {
  for (const auto& [width, height] : kSizes) {
    const io::Image picture = noise(width, height, 3, 1);
    const Geometry geometry(width, height, 64);
    const io::Image canvas = geometry.to_canvas(picture);
    EXPECT_EQ(canvas.width, 64);
    EXPECT_EQ(canvas.height, 64);
    EXPECT_EQ(geometry.from_canvas(picture, canvas, canvas), picture) << width << "x" << height;
  }
}

TEST(Geometry, AnEditHasTheSizeOfThePictureAndReachesEveryPixel) {
  for (const auto& [width, height] : kSizes) {
    const io::Image picture(width, height, 3, 10);
    const Geometry geometry(width, height, 64);
    const io::Image result =
        geometry.from_canvas(picture, geometry.to_canvas(picture), io::Image(64, 64, 3, 200));
    EXPECT_EQ(result, io::Image(width, height, 3, 200)) << width << "x" << height;
  }
}

TEST(Geometry, APictureOfTheCanvasSizeIsUntouchedBothWays) {
  const io::Image picture = noise(64, 64, 3, 2);
  const io::Image edited = noise(64, 64, 3, 3);
  const Geometry geometry(64, 64, 64);
  EXPECT_EQ(geometry.to_canvas(picture), picture);
  EXPECT_EQ(geometry.from_canvas(picture, picture, edited), edited);
}

TEST(Geometry, PaddingAloneIsExact) {
  const io::Image picture = noise(64, 41, 3, 4);
  const io::Image edited = noise(64, 64, 3, 5);
  const Geometry geometry(64, 41, 64);
  EXPECT_EQ(geometry.from_canvas(picture, geometry.to_canvas(picture), edited),
            io::crop(edited, 0, 11, 64, 41));
}

TEST(Geometry, ALocalEditLeavesTheRestOfALargePictureAlone) {
  const io::Image picture = noise(256, 256, 3, 6);
  const Geometry geometry(256, 256, 64);
  const io::Image canvas = geometry.to_canvas(picture);
  io::Image edited = canvas;
  for (int y = 8; y < 16; ++y) {
    for (int x = 8; x < 16; ++x) {
      for (int c = 0; c < 3; ++c)
        edited.at(x, y, c) = static_cast<uint8_t>(255 - canvas.at(x, y, c));
    }
  }
  const io::Image result = geometry.from_canvas(picture, canvas, edited);
  int64_t changed_inside = 0;
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) {
      const bool changed = result.at(x, y) != picture.at(x, y);
      const bool near =
          x >= 20 && x < 76 && y >= 20 && y < 76;  // the square and 12 pixels around it
      EXPECT_FALSE(changed && !near) << x << "," << y;
      changed_inside += near && changed;
    }
  }
  EXPECT_GT(changed_inside, 32 * 32 / 2);
}

TEST(Geometry, PaddingRepeatsTheEdge) {
  io::Image picture(64, 32, 3, 50);
  for (int x = 0; x < 64; ++x) {
    for (int c = 0; c < 3; ++c) picture.at(x, 0, c) = 200;
  }
  const io::Image canvas = Geometry(64, 32, 64).to_canvas(picture);
  EXPECT_EQ(canvas.at(5, 0), 200);
  EXPECT_EQ(canvas.at(5, 16), 200);
  EXPECT_EQ(canvas.at(5, 17), 50);
  EXPECT_EQ(canvas.at(5, 63), 50);
}

TEST(Geometry, LabelsKeepTheirValuesAndHaveNoneInThePadding) {
  io::Image labels(128, 64, 1, 7);
  for (int y = 0; y < 64; ++y) {
    for (int x = 64; x < 128; ++x) labels.at(x, y) = 200;
  }
  const io::Image canvas = Geometry(128, 64, 64).labels_to_canvas(labels);
  EXPECT_EQ(canvas.at(0, 15), 0);
  EXPECT_EQ(canvas.at(31, 16), 7);
  EXPECT_EQ(canvas.at(32, 47), 200);
  EXPECT_EQ(canvas.at(32, 48), 0);
}

TEST(Geometry, RefusesOtherSizes) {
  const Geometry geometry(10, 20, 64);
  EXPECT_THROW(geometry.to_canvas(io::Image(20, 10, 3)), Error);
  EXPECT_THROW(geometry.labels_to_canvas(io::Image(10, 20, 3)), Error);
  EXPECT_THROW(Geometry(0, 20, 64), Error);
}

}  // namespace
}  // namespace reasonbrain::edit
