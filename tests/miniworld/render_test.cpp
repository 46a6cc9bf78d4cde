#include "miniworld/render.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {
namespace {

constexpr Colour kBase{200, 200, 200};
constexpr Colour kRed{212, 54, 50};

Scene scene_of(const Shape& shape, Paint paint = {kRed}) {
  Scene scene{kBase, {}};
  scene.add(shape, paint, 3);
  return scene;
}

int area(const Picture& picture) {
  int count = 0;
  for (const uint8_t label : picture.instances.pixels) count += label == 3;
  return count;
}

Colour pixel(const Picture& picture, int x, int y) {
  return {picture.rgb.at(x, y, 0), picture.rgb.at(x, y, 1), picture.rgb.at(x, y, 2)};
}

TEST(Render, RectangleCoversItsPixelsExactly) {
  const Picture picture = render(scene_of(rect(8_u, 16_u, 20_u, 24_u)), 64);
  EXPECT_EQ(area(picture), 12 * 8);
  EXPECT_EQ(pixel(picture, 8, 16), kRed);
  EXPECT_EQ(pixel(picture, 19, 23), kRed);
  EXPECT_EQ(pixel(picture, 7, 16), kBase);
  EXPECT_EQ(pixel(picture, 20, 16), kBase);
}

TEST(Render, HalfCoveredPixelIsHalfBlended) {
  const Picture picture = render(scene_of(rect(8_u + 128, 8_u, 16_u, 16_u)), 64);
  EXPECT_EQ(pixel(picture, 8, 10), (Colour{206, 127, 125}));
  EXPECT_EQ(picture.instances.at(8, 10), 3) << "half a pixel counts as covered";
}

TEST(Render, SizesShowTheSameScene) {
  for (const int size : {32, 96, 128}) {
    const Picture picture = render(scene_of(rect(8_u, 16_u, 24_u, 32_u)), size);
    EXPECT_EQ(area(picture), (size / 4) * (size / 4)) << size;
    EXPECT_EQ(pixel(picture, size / 4, size * 3 / 8), kRed);
  }
}

TEST(Render, EllipseAndDiscHaveTheirArea) {
  EXPECT_NEAR(area(render(scene_of(disc({32_u, 32_u}, 12_u)), 64)), 452, 10);
  EXPECT_NEAR(area(render(scene_of(ellipse({32_u, 32_u}, 20_u, 6_u)), 64)), 377, 10);
}

TEST(Render, RotationKeepsTheArea) {
  const Shape upright = rect(26_u, 20_u, 38_u, 44_u);
  for (int degrees = -90; degrees <= 90; degrees += 15)
    EXPECT_NEAR(area(render(scene_of(rotated(upright, {32_u, 32_u}, degrees)), 64)), 288, 9)
        << degrees;
  const Picture turned = render(scene_of(rotated(upright, {32_u, 32_u}, 90)), 64);
  EXPECT_EQ(turned, (Picture{render(scene_of(rect(20_u, 26_u, 44_u, 38_u)), 64)}));
}

TEST(Render, PolygonOrientationDoesNotMatter) {
  const std::vector<Point> corners = {{8_u, 40_u}, {30_u, 6_u}, {50_u, 44_u}};
  const std::vector<Point> reversed = {corners[2], corners[1], corners[0]};
  const Picture picture = render(scene_of(polygon(corners)), 64);
  EXPECT_EQ(picture, render(scene_of(polygon(reversed)), 64));
  EXPECT_NEAR(area(picture), 758, 10);
}

TEST(Render, PolylineHasItsWidth) {
  Scene scene{kBase, {}};
  scene.add(polyline({{10_u, 10_u}, {40_u, 50_u}}, 4_u), {kRed}, 3);
  EXPECT_NEAR(area(render(scene, 64)), 50 * 4 + 12, 8);
}

TEST(Render, LaterShapesCoverEarlierOnesAndTheCanvasClips) {
  Scene scene = scene_of(rect(-10_u, -10_u, 80_u, 80_u));
  scene.add(rect(60_u, 60_u, 90_u, 90_u), {kDark}, 5);
  const Picture picture = render(scene, 64);
  EXPECT_EQ(pixel(picture, 0, 0), kRed);
  EXPECT_EQ(pixel(picture, 63, 63), kDark);
  EXPECT_EQ(picture.instances.at(63, 63), 5);
  EXPECT_EQ(area(picture), 64 * 64 - 16);
}

TEST(Render, RefusesOtherSizes) {
  for (const int size : {0, 24, 65, 136}) {
    try {
      render(Scene{kBase, {}}, size);
      FAIL() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    }
  }
}

TEST(Texture, EveryPatternHasMeanZeroAndNoThinFeature) {
  for (int t = 0; t < kNumTextures; ++t) {
    const auto texture = static_cast<Texture>(t);
    int sum = 0;
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        const int level = texture_level(texture, x, y);
        sum += level;
        EXPECT_TRUE(level == texture_level(texture, x + 1, y) ||
                    level == texture_level(texture, x + 7, y))
            << texture_name(texture) << " at " << x << "," << y;
        EXPECT_TRUE(level == texture_level(texture, x, y + 1) ||
                    level == texture_level(texture, x, y + 7))
            << texture_name(texture) << " at " << x << "," << y;
      }
    }
    EXPECT_EQ(sum, 0) << texture_name(texture);
  }
}

TEST(Texture, PatternsDiffer) {
  for (int a = 0; a < kNumTextures; ++a) {
    for (int b = 0; b < a; ++b) {
      int differ = 0;
      for (int i = 0; i < 64; ++i) {
        const int first = texture_level(static_cast<Texture>(a), i % 8, i / 8);
        differ += (first > 0) != (texture_level(static_cast<Texture>(b), i % 8, i / 8) > 0);
      }
      const bool materials_and_tags = a >= static_cast<int>(Texture::kHot) &&
                                      b < static_cast<int>(Texture::kHot);  // never side by side
      if (materials_and_tags) continue;
      EXPECT_GE(differ, 16) << a << " " << b;
    }
  }
}

TEST(Palette, HuesAreFarApartAndLeaveRoomForTextures) {
  for (int a = 0; a < kNumHues; ++a) {
    const Colour p = hue_colour(a);
    for (const int channel : {p.r, p.g, p.b}) {
      EXPECT_GE(channel, 24);
      EXPECT_LE(channel, 231);
    }
    for (int b = 0; b < a; ++b) {
      const Colour q = hue_colour(b);
      EXPECT_GE(std::max({std::abs(p.r - q.r), std::abs(p.g - q.g), std::abs(p.b - q.b)}), 60)
          << hue_name(a) << " " << hue_name(b);
    }
  }
}

TEST(Palette, BackgroundsTellTheSide) {
  for (uint64_t i = 0; i < 500; ++i) {
    Rng rng(7, {i});
    EXPECT_EQ(is_held_out(draw_background(rng, i % 2)), i % 2 == 1);
  }
}

}  // namespace
}  // namespace reasonbrain::miniworld
