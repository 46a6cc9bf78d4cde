#include "segment/regions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/region_json.h"
#include "data/rle.h"

namespace reasonbrain::segment {
namespace {

nlohmann::json as_xywh(const Box& box) {
  return {box.x0, box.y0, box.width(), box.height()};
}

}  // namespace

std::vector<AutoMask> choose_regions(std::vector<AutoMask> masks, int width, int height,
                                     const ChoiceOptions& options) {
  const double pixels = static_cast<double>(width) * height;
  std::erase_if(masks, [&](const AutoMask& mask) {
    const double share = static_cast<double>(mask.area) / pixels;
    return mask.area == 0 || share < options.min_share || share > options.max_share;
  });
  const auto weight = [](const AutoMask& mask) {
    return static_cast<double>(mask.area) * mask.predicted_iou;
  };
  std::stable_sort(masks.begin(), masks.end(),
                   [&](const AutoMask& a, const AutoMask& b) { return weight(a) > weight(b); });
  if (masks.size() > static_cast<size_t>(options.max_regions))
    masks.resize(static_cast<size_t>(options.max_regions));
  return masks;
}

nlohmann::json regions_json(const std::vector<AutoMask>& masks, int width, int height) {
  nlohmann::json regions = nlohmann::json::array();
  for (const AutoMask& mask : masks) {
    regions.push_back(
        {{"rle", {{"size", {height, width}}, {"counts", data::compress_runs(mask.runs)}}},
         {"area", mask.area},
         {"bbox", as_xywh(mask.box)},
         {"predicted_iou", mask.predicted_iou},
         {"stability_score", mask.stability_score},
         {"point", {mask.point.x, mask.point.y}},
         {"crop_box", as_xywh(mask.crop)}});
  }
  return {{"size", {height, width}}, {"regions", regions}};
}

io::Image region_map(const std::vector<AutoMask>& masks, int width, int height) {
  if (masks.empty()) return {};
  return data::regions_from_json(regions_json(masks, width, height).dump(), "regions", ".");
}

}  // namespace reasonbrain::segment
