#include "segment/boxes.h"

#include <gmock/gmock.h>

#include <numeric>

#include "core/rng.h"
#include "segment/small_regions.h"

namespace reasonbrain::segment {
namespace {

using ::testing::ElementsAre;

TEST(Boxes, OfAMask) {
  const std::vector<uint8_t> mask = {0, 0, 0, 0, 0,  //
                                     0, 0, 1, 0, 0,  //
                                     0, 1, 0, 0, 0};
  EXPECT_EQ(mask_box(mask.data(), 5, 3), (Box{1, 1, 2, 2}));
  EXPECT_EQ(mask_box(std::vector<uint8_t>(15, 0).data(), 5, 3), Box{});
}

TEST(Boxes, SuppressionKeepsTheBestOfEachCluster) {
  const std::vector<Box> boxes = {{0, 0, 10, 10}, {1, 0, 11, 10}, {20, 0, 30, 10}, {0, 0, 10, 9}};
  // overlaps with box 1: 90/110 and 81/109; of 0 and 3: 90/100
  EXPECT_THAT(suppress(boxes, {0.5F, 0.9F, 0.7F, 0.6F}, 0.7), ElementsAre(1, 2));
  EXPECT_THAT(suppress(boxes, {0.5F, 0.9F, 0.7F, 0.6F}, 0.75), ElementsAre(1, 2, 3));
  EXPECT_THAT(suppress(boxes, {0.5F, 0.5F, 0.5F, 0.5F}, 0.95), ElementsAre(0, 1, 2, 3));
  // exactly at the threshold is not above it; no area never suppresses
  EXPECT_THAT(suppress({{0, 0, 10, 10}, {0, 0, 10, 5}}, {1, 0.5F}, 0.5), ElementsAre(0, 1));
  EXPECT_THAT(suppress({{3, 3, 3, 3}, {3, 3, 3, 3}}, {1, 1}, 0.1), ElementsAre(0, 1));
  EXPECT_TRUE(suppress({}, {}, 0.5).empty());
}

TEST(Boxes, CropsOfAnOrdinaryPicture) {
  const std::vector<Crop> crops = crop_boxes(1500, 1000, 2, 512.0 / 1500.0);
  ASSERT_EQ(crops.size(), 1U + 4 + 16);
  EXPECT_EQ(crops[0].box, (Box{0, 0, 1500, 1000}));
  // the overlap is 341 pixels: sides ceil((341 + 1500) / 2) and ceil((341 + 1000) / 2)
  EXPECT_EQ(crops[1].box, (Box{0, 0, 921, 671}));
  EXPECT_EQ(crops[2].box, (Box{0, 330, 921, 1000}));
  EXPECT_EQ(crops[3].box, (Box{580, 0, 1500, 671}));
  EXPECT_EQ(crops[4].box, (Box{580, 330, 1500, 1000}));
  // layer 2: overlap 170, sides ceil((510 + 1500) / 4) = 503 and ceil((510 + 1000) / 4) = 378
  EXPECT_EQ(crops[5].box, (Box{0, 0, 503, 378}));
  EXPECT_EQ(crops[20].box, (Box{999, 624, 1500, 1000}));
  EXPECT_EQ(crops[20].layer, 2);
}

TEST(Boxes, CropsCoverAnyPicture) {
  Rng rng(1);
  for (int round = 0; round < 30; ++round) {
    const int width = static_cast<int>(rng.between(1, 60)),
              height = static_cast<int>(rng.between(1, 60));
    std::vector<int> covered(static_cast<size_t>(width) * height, 0);
    for (const Crop& crop : crop_boxes(width, height, 2, rng.uniform() * 0.5)) {
      ASSERT_TRUE(crop.box.x0 >= 0 && crop.box.y0 >= 0);
      ASSERT_TRUE(crop.box.x1 <= width && crop.box.y1 <= height);
      ASSERT_GT(crop.box.area(), 0);
      if (crop.layer != 2) continue;
      for (int y = crop.box.y0; y < crop.box.y1; ++y) {
        for (int x = crop.box.x0; x < crop.box.x1; ++x)
          covered[static_cast<size_t>(y) * width + x] = 1;
      }
    }
    EXPECT_EQ(std::accumulate(covered.begin(), covered.end(), 0), width * height);
  }
}

TEST(Boxes, CutOffAtTheCropButNotAtThePicture) {
  const Box crop{0, 0, 300, 200};
  EXPECT_TRUE(is_cut_off({100, 50, 281, 120}, crop, 500, 200));
  EXPECT_FALSE(is_cut_off({100, 50, 279, 120}, crop, 500, 200));
  EXPECT_FALSE(is_cut_off({0, 0, 200, 199}, crop, 500, 200));  // the picture ends there
  EXPECT_TRUE(is_cut_off({0, 0, 200, 199}, crop, 500, 400));
  EXPECT_FALSE(is_cut_off({0, 0, 499, 199}, {0, 0, 500, 200}, 500, 200));
}

TEST(Boxes, GridRowByRow) {
  const std::vector<Point> grid = point_grid(2);
  ASSERT_EQ(grid.size(), 4U);
  EXPECT_DOUBLE_EQ(grid[1].x, 0.75);
  EXPECT_DOUBLE_EQ(grid[1].y, 0.25);
  EXPECT_DOUBLE_EQ(grid[2].x, 0.25);
  EXPECT_DOUBLE_EQ(point_grid(32)[0].x, 1.0 / 64);
}

std::vector<uint8_t> drawn(const std::vector<std::string>& rows) {
  std::vector<uint8_t> mask;
  for (const std::string& row : rows) {
    for (const char c : row) mask.push_back(c == '#');
  }
  return mask;
}

TEST(SmallRegions, HolesAreFilledThenIslandsRemoved) {
  std::vector<uint8_t> mask = drawn({"####...#",  //
                                     "#.##....",  //
                                     "####....",  //
                                     "........"});
  EXPECT_TRUE(remove_small_regions(mask, 8, 4, 3));
  EXPECT_EQ(mask, drawn({"####....",  //
                         "####....",  //
                         "####....",  //
                         "........"}));
  EXPECT_FALSE(remove_small_regions(mask, 8, 4, 3));
}

TEST(SmallRegions, CornersHoldTogether) {
  std::vector<uint8_t> diagonal = drawn({"#....",  //
                                         ".#...",  //
                                         "..#.."});
  const std::vector<uint8_t> before = diagonal;
  EXPECT_FALSE(remove_small_regions(diagonal, 5, 3, 3));
  EXPECT_EQ(diagonal, before);
}

TEST(SmallRegions, TheLargestIslandStays) {
  std::vector<uint8_t> mask = drawn({"#...##...",  //
                                     "........#"});
  EXPECT_TRUE(remove_small_regions(mask, 9, 2, 10));
  EXPECT_EQ(mask, drawn({"....##...",  //
                         "........."}));
  std::vector<uint8_t> empty(200, 0);
  EXPECT_FALSE(remove_small_regions(empty, 20, 10, 10));
}

}  // namespace
}  // namespace reasonbrain::segment
