#include "data/regions.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "core/atomic_file.h"
#include "core/expect_error.h"
#include "core/rng.h"
#include "core/str.h"
#include "core/temp_dir.h"
#include "data/region_json.h"
#include "data/rle.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::data {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> areas(const io::Image& map) {
  std::vector<int64_t> out;
  for (const RegionMask& mask : region_masks(map)) out.push_back(mask.area);
  return out;
}

TEST(Rle, RunsAndCompressedFormAgree) {
  // 3 wide, 2 high; columns (0,1) (1,1) (0,0)
  const std::vector<uint8_t> mask = {0, 1, 0, 1, 1, 0};
  const std::vector<int64_t> runs = {1, 3, 2};
  EXPECT_EQ(mask_to_runs(mask, 3, 2), runs);
  EXPECT_EQ(runs_to_mask(runs, 3, 2, "x"), mask);
  EXPECT_EQ(runs_area(runs, 3, 2, "x"), 3);
  EXPECT_EQ(compress_runs(runs), "132");
  // what COCO's encoding gives for a 25x30 mask with a 12x10 rectangle at row 5, column 7
  std::vector<uint8_t> box(25 * 30, 0);
  for (int y = 5; y < 17; ++y) std::fill_n(box.begin() + y * 30 + 7, 10, uint8_t{1});
  EXPECT_EQ(compress_runs(mask_to_runs(box, 30, 25)), "d5<=00000000000000000P:");
  Rng rng(2);
  for (int i = 0; i < 50; ++i) {
    std::vector<uint8_t> random(40 * 30);
    for (uint8_t& pixel : random) pixel = rng.chance(0.3);
    const auto random_runs = mask_to_runs(random, 40, 30);
    EXPECT_EQ(decompress_runs(compress_runs(random_runs), "x"), random_runs);
    EXPECT_EQ(runs_to_mask(random_runs, 40, 30, "x"), random);
  }
}

TEST(RegionJson, EveryFormIsRead) {
  const io::Image one = regions_from_json(R"({"size": [2, 3], "counts": "132"})", "x", ".");
  EXPECT_EQ(one.pixels, (std::vector<uint8_t>{0, 1, 0, 1, 1, 0}));
  const io::Image two = regions_from_json(
      R"({"regions": [{"rle": {"size": [2, 3], "counts": [1, 1, 4]}}, {"segmentation": {"size": [2, 3], "counts": [0, 6]}}]})",
      "x", ".");
  EXPECT_EQ(two.pixels, (std::vector<uint8_t>{2, 2, 2, 1, 2, 2}));  // the smaller one shows
  EXPECT_EQ(regions_from_json(regions_to_json(two), "x", "."), two);
}

TEST(RegionJson, HostileInputIsRefused) {
  for (const char* json :
       {"",
        "{}",
        "3",
        "[3]",
        "[{}]",
        R"({"size": [2], "counts": [4]})",
        R"({"size": [2, 2], "counts": [5]})",
        R"({"size": [2, 2], "counts": [3]})",
        R"({"size": [2, 2], "counts": [-1, 5]})",
        R"({"size": [2, 2], "counts": [9223372036854775807, 9223372036854775807]})",
        R"({"size": [2, 2], "counts": [1.5]})",
        R"({"size": [2, 2], "counts": "~"})",
        R"({"size": [2, 2], "counts": "oooooooooooooo"})",
        R"({"size": [2, 2], "counts": "\u0001"})",
        R"({"size": [2, 2], "counts": {}})",
        R"({"size": [0, 2], "counts": []})",
        R"({"size": [100000, 100000], "counts": [1]})",
        R"({"size": [-2, -2], "counts": [4]})",
        R"({"size": [99999999999999999999, 1], "counts": [4]})",
        R"({"mask": "../x.png"})",
        R"({"mask": "/x.png"})",
        R"([{"size": [1, 1], "counts": [1]}, {"size": [1, 2], "counts": [2]}])"}) {
    EXPECT_THROW(regions_from_json(json, "x", "."), Error) << json;
  }
  std::string many = "[";
  for (int i = 0; i < 256; ++i)
    many += std::string(i ? "," : "") + R"({"size": [1, 1], "counts": [1]})";
  EXPECT_THROW(regions_from_json(many + "]", "x", "."), Error);
}

TEST(RegionJson, SizesAreComparedBeforeAnythingIsDecoded) {
  EXPECT_ERROR(regions_from_json(R"([{"size": [9000, 9000], "counts": "~"}])", "x", ".", 4, 3),
               kData, "a region is 9000x9000, expected 4x3");
  const TempDir folder;
  io::write_png(folder / "m.png", io::Image(5, 3, 1));
  EXPECT_ERROR(regions_from_json(R"([{"mask": "m.png"}])", "x", folder.path(), 4, 3), kData,
               "a region is 5x3, expected 4x3");
  EXPECT_EQ(regions_from_json(R"([{"mask": "m.png"}])", "x", folder.path(), 5, 3).width, 5);
}

TEST(RegionJson, ASmallerMaskPictureShowsToo) {
  const TempDir folder;
  io::Image mask(3, 2, 1, 255);
  mask.at(0, 0) = 0;
  io::write_png(folder / "m.png", mask);
  const io::Image map = regions_from_json(
      R"([{"mask": "m.png"}, {"size": [2, 3], "counts": [0, 6]}])", "x", folder.path());
  EXPECT_EQ(map.pixels, (std::vector<uint8_t>{2, 1, 1, 1, 1, 1}));
}

TEST(RegionJson, AnEmptyListIsNoRegion) {
  EXPECT_TRUE(regions_from_json("[]", "x", ".", 4, 3).empty());
  EXPECT_TRUE(regions_from_json(R"({"regions": []})", "x", ".").empty());
}

TEST(RegionJson, MaskPicturesAreListed) {
  EXPECT_THAT(
      mask_names(R"([{"mask": "a.png"}, {"rle": {}, "mask": "b.png"}, {"mask": "c.png"}])", "x"),
      ElementsAre("a.png", "c.png"));
  EXPECT_TRUE(mask_names("[3]", "x").empty());
}

TEST(Regions, MasksKeepTheLargestAndTheirLabels) {
  io::Image map(10, 10, 1);
  for (int label = 1; label <= 40; ++label)
    map.pixels[static_cast<size_t>(label)] = static_cast<uint8_t>(label);
  map.pixels[50] = map.pixels[51] = 200;
  const auto masks = region_masks(map);
  ASSERT_EQ(masks.size(), 32u);
  EXPECT_EQ(masks.back().label, 200);
  EXPECT_EQ(masks.back().area, 2);
  EXPECT_EQ(std::count(masks.back().pixels.begin(), masks.back().pixels.end(), 1), 2);
  EXPECT_EQ(masks.front().label, 1);
  EXPECT_TRUE(region_masks(io::Image(4, 4, 1)).empty());
}

TEST(Regions, Grid) {
  const io::Image map = grid_regions(5, 4, 2);
  EXPECT_EQ(map.pixels,
            (std::vector<uint8_t>{1, 1, 1, 2, 2, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 3, 3, 3, 4, 4}));
  EXPECT_EQ(region_masks(grid_regions(1, 1, 5)).size(), 1u);
  EXPECT_THROW(grid_regions(8, 8, 6), Error);
  EXPECT_THROW(grid_regions(8, 8, 0), Error);
}

void fill(io::Image& image, int left, int top, int right, int bottom, std::array<int, 3> colour,
          int texture = 0) {
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const int level = ((x / 2 + y / 2) % 2 != 0 ? 1 : -1) * texture;
      for (int c = 0; c < 3; ++c)
        image.at(x, y, c) = static_cast<uint8_t>(colour[static_cast<size_t>(c)] + level);
    }
  }
}

constexpr std::array<int, 3> kRed = {212, 54, 50}, kBlue = {58, 86, 206}, kTan = {198, 170, 132},
                             kGrey = {150, 150, 156}, kDark = {64, 64, 72};

io::Image pale(int width, int height) {
  io::Image image(width, height, 3);
  fill(image, 0, 0, width, height, {238, 236, 228});
  return image;
}

// Two textured blocks on plates that touch, a house of two colours on a ground line, and a speck.
io::Image scene(int scale) {
  io::Image image = pale(64 * scale, 64 * scale);
  const auto box = [&](int left, int top, int right, int bottom, std::array<int, 3> colour,
                       int texture = 0) {
    fill(image, left * scale, top * scale, right * scale, bottom * scale, colour, texture);
  };
  box(4, 10, 14, 24, kRed, 24);
  box(22, 6, 34, 24, kBlue, 24);
  box(0, 24, 18, 30, kGrey, 56);
  box(18, 24, 36, 30, kGrey, 56);
  box(44, 30, 58, 38, kRed);
  box(46, 38, 56, 50, kTan, 20);
  box(0, 50, 64, 52, kDark);
  box(10, 40, 11, 42, kDark);
  return image;
}

TEST(KmeansRegions, FindsWholeObjectsAndDropsTheBackground) {
  for (int scale : {1, 2, 4}) {
    const io::Image map = kmeans_regions(scene(scale));
    const auto at = [&](int x, int y) { return map.at(x * scale, y * scale); };
    EXPECT_EQ(region_masks(map).size(), 3u) << scale;
    EXPECT_NE(at(8, 15), 0);
    EXPECT_EQ(at(8, 15), at(2, 27));  // a block and its plate
    EXPECT_EQ(at(28, 15), at(33, 27));
    EXPECT_NE(at(8, 15), at(28, 15));
    EXPECT_NE(at(50, 34), 0);
    EXPECT_EQ(at(50, 34), at(50, 45));  // a roof and its walls
    EXPECT_NE(at(50, 34), at(8, 15));
    EXPECT_EQ(at(30, 51), 0);  // the ground
    EXPECT_EQ(at(10, 41), 0);  // the speck
    EXPECT_EQ(at(60, 5), 0);
    EXPECT_EQ(at(28, 15), 1);  // the largest comes first
  }
}

TEST(KmeansRegions, TextureDoesNotSplit) {
  io::Image image = pale(64, 64);
  fill(image, 10, 10, 40, 40, kRed, 24);
  EXPECT_THAT(areas(kmeans_regions(image)), ElementsAre(900));
}

TEST(KmeansRegions, AnyPictureGivesAtMost32OrderedRegions) {
  Rng rng(4);
  for (auto [width, height] :
       {std::pair{1, 1}, std::pair{1, 300}, std::pair{300, 2}, std::pair{70, 50}}) {
    io::Image noise(width, height, 3);
    for (uint8_t& value : noise.pixels) value = static_cast<uint8_t>(rng.below(256));
    const io::Image map = kmeans_regions(noise);
    EXPECT_EQ(map.width, width);
    EXPECT_EQ(map.height, height);
    EXPECT_LE(*std::max_element(map.pixels.begin(), map.pixels.end()), kMaxRegions);
    EXPECT_EQ(kmeans_regions(noise), map);
  }
  EXPECT_TRUE(region_masks(kmeans_regions(pale(64, 64))).empty());
  EXPECT_THROW(kmeans_regions(io::Image(4, 4, 1)), Error);
}

TEST(KmeansRegions, WithoutABackgroundColoursAndPlacesAreRegions) {
  io::Image image(60, 60, 3);
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) {
      const int shade = x + y;  // no even colour anywhere
      const std::array<int, 3> sky = {60 + shade, 100 + shade, 190},
                               grass = {60, 90 + shade, 30 + shade / 2};
      for (int c = 0; c < 3; ++c)
        image.at(x, y, c) = static_cast<uint8_t>((y < 30 ? sky : grass)[static_cast<size_t>(c)]);
    }
  }
  const io::Image map = kmeans_regions(image);
  EXPECT_GE(region_masks(map).size(), 2u);
  for (int x = 0; x < 60; ++x) EXPECT_NE(map.at(x, 29), map.at(x, 30));
  EXPECT_EQ(std::count(map.pixels.begin(), map.pixels.end(), 0), 0);
}

TEST(Regions, VeryWidePicturesDoNotOverflow) {
  const io::Image map = kmeans_regions(io::Image(17'000'000, 1, 3, 9));
  EXPECT_EQ(map.width, 17'000'000);
  EXPECT_EQ(map.height, 1);
}

TEST(Regions, FilesAndSources) {
  const TempDir folder;
  io::Image map(4, 2, 1);
  map.at(1, 0) = 3;
  map.at(2, 0) = 7;
  io::write_png(folder / "m.png", map);
  EXPECT_EQ(read_region_file(folder / "m.png", 4, 2), map);
  EXPECT_THROW(read_region_file(folder / "m.png", 2, 4), Error);
  write_file_atomic(folder / "m.json", R"([{"mask": "m.png"}])");
  EXPECT_THAT(areas(read_region_file(folder / "m.json", 4, 2)), ElementsAre(2));
  EXPECT_THROW(read_region_file(folder / "absent.png", 4, 2), Error);
  write_file_atomic(folder / "none.json", "[]");
  EXPECT_THROW(read_region_file(folder / "none.json", 4, 2), Error);

  const io::Image picture = scene(1);
  EXPECT_EQ(make_regions(picture, map, RegionSource::kFile), map);
  EXPECT_EQ(region_masks(make_regions(picture, map, RegionSource::kGrid)).size(), 16u);
  EXPECT_EQ(make_regions(picture, map, RegionSource::kKmeans), kmeans_regions(picture));
  EXPECT_TRUE(make_regions(picture, map, RegionSource::kNone).empty());
}

}  // namespace
}  // namespace reasonbrain::data
