// Automatic masks of a small trained SAM (scripts/golden/sam_masks.py) against the algorithm as
// formulated in Python, and from masks to regions.
#include "segment/generator.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "data/region_json.h"
#include "data/rle.h"
#include "io/json.h"
#include "io/json_options.h"
#include "models/sam/folder.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"
#include "segment/regions.h"

namespace reasonbrain::segment {
namespace {

const std::filesystem::path kData = RB_TEST_DATA;

using Mask = std::vector<uint8_t>;

double agreement(const Mask& a, const Mask& b) {  // intersection over union
  int64_t both = 0, any = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    both += a[i] != 0 && b[i] != 0;
    any += a[i] != 0 || b[i] != 0;
  }
  return any == 0 ? 1 : static_cast<double>(both) / static_cast<double>(any);
}

Box read_box(const nlohmann::json& box) {
  return {box[0], box[1], box[2], box[3]};
}

TEST(Generator, MasksEqualThoseOfTheReferenceFormulation) {
  for (const nlohmann::json& item : io::read_json(kData / "cases.json")) {
    SCOPED_TRACE(item["options"].dump());
    MaskOptions options;
    io::read_json_options(item["options"], options, "options");
    const io::Image picture = io::read_image(kData / item["picture"].get<std::string>());
    const std::vector<AutoMask> masks = MaskGenerator(kData / "sam", options, {}).masks(picture);
    ASSERT_EQ(masks.size(), item["masks"].size());
    const auto pixels = [&](const std::vector<int64_t>& runs) {
      return data::runs_to_mask(runs, picture.width, picture.height, "x");
    };
    for (size_t i = 0; i < masks.size(); ++i) {
      const nlohmann::json& expected = item["masks"][i];
      EXPECT_GT(agreement(pixels(masks[i].runs), pixels(expected["counts"])), 0.995) << i;
      EXPECT_NEAR(masks[i].predicted_iou, expected["predicted_iou"].get<double>(), 1e-4);
      EXPECT_NEAR(masks[i].stability_score, expected["stability_score"].get<double>(), 1e-2);
      EXPECT_NEAR(masks[i].point.x, expected["point"][0].get<double>(), 1e-6);
      EXPECT_NEAR(masks[i].point.y, expected["point"][1].get<double>(), 1e-6);
      EXPECT_EQ(masks[i].crop, read_box(expected["crop"]));
      const Box box = read_box(expected["box"]);
      for (const int off : {masks[i].box.x0 - box.x0, masks[i].box.y0 - box.y0,
                            masks[i].box.x1 - box.x1, masks[i].box.y1 - box.y1}) {
        EXPECT_LE(std::abs(off), 1);
      }
      EXPECT_EQ(masks[i].area, [&] {
        const Mask mask = pixels(masks[i].runs);
        return std::count(mask.begin(), mask.end(), 1);
      }());
    }
  }
}

TEST(Generator, BatchesDoNotMatter) {
  const io::Image picture = io::read_image(kData / "case-0.png");
  MaskOptions options;
  options.points_per_side = 3;
  options.pred_iou_thresh = options.stability_score_thresh = 0;
  options.points_per_batch = 64;
  const auto together = MaskGenerator(kData / "sam", options, {}).masks(picture);
  options.points_per_batch = 2;
  const auto apart = MaskGenerator(kData / "sam", options, {}).masks(picture);
  ASSERT_EQ(together.size(), apart.size());
  ASSERT_FALSE(together.empty());
  for (size_t i = 0; i < apart.size(); ++i) {
    EXPECT_EQ(together[i].point.x, apart[i].point.x);
    EXPECT_NEAR(together[i].predicted_iou, apart[i].predicted_iou, 1e-5);
  }
}

AutoMask box_mask(int x0, int y0, int x1, int y1, float rating) {  // of a 20 x 10 picture
  Mask pixels(200, 0);
  AutoMask mask;
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) pixels[static_cast<size_t>(y) * 20 + x] = 1;
  }
  mask.area = std::count(pixels.begin(), pixels.end(), 1);
  mask.runs = data::mask_to_runs(pixels, 20, 10);
  mask.box = {x0, y0, x1, y1};
  mask.predicted_iou = rating;
  return mask;
}

TEST(Regions, LargeAndWellRatedOnesComeFirst) {
  ChoiceOptions options;
  options.max_regions = 2;
  options.min_share = 0.02;  // of 200 pixels
  options.max_share = 0.9;
  const std::vector<AutoMask> chosen =
      choose_regions({box_mask(0, 0, 2, 0, 1), box_mask(0, 0, 19, 9, 1), box_mask(0, 0, 4, 3, 0.5F),
                      box_mask(5, 0, 9, 2, 0.9F), box_mask(0, 5, 1, 6, 1)},
                     20, 10, options);
  ASSERT_EQ(chosen.size(), 2U);
  EXPECT_EQ(chosen[0].box, (Box{5, 0, 9, 2}));  // 15 * 0.9
  EXPECT_EQ(chosen[1].box, (Box{0, 0, 4, 3}));  // 20 * 0.5
}

TEST(Regions, JsonAndMapAgree) {
  const std::vector<AutoMask> masks = {box_mask(0, 0, 9, 9, 1), box_mask(2, 2, 3, 4, 0.5F)};
  const nlohmann::json json = regions_json(masks, 20, 10);
  EXPECT_EQ(json["regions"][1]["bbox"], nlohmann::json({2, 2, 1, 2}));
  const io::Image map = region_map(masks, 20, 10);
  EXPECT_EQ(map, data::regions_from_json(json.dump(), "x", "."));
  EXPECT_EQ(map.at(0, 0), 1);
  EXPECT_EQ(map.at(2, 3), 2);  // the smaller one shows
  EXPECT_EQ(map.at(15, 5), 0);
  EXPECT_TRUE(region_map({}, 20, 10).empty());
}

TEST(Generator, RefusesModelsOfOtherPictures) {
  models::sam::SamConfig config =
      models::sam::parse_sam_config(io::read_json(kData / "sam" / "config.json"), "x");
  config.vision.num_channels = 1;
  models::sam::Sam sam(config, /*tied=*/true, nn::Build{});
  EXPECT_THROW(MaskGenerator(sam, {}, {}), Error);
  EXPECT_THROW(MaskGenerator(kData, {}, {}), Error);  // no model there
}

}  // namespace
}  // namespace reasonbrain::segment
