// From the masks of a picture to the regions that a model looks at.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "segment/generator.h"

namespace reasonbrain::segment {

// Masks within the shares of the picture, the largest area times rating first, at most max_regions.
std::vector<AutoMask> choose_regions(std::vector<AutoMask> masks, int width, int height,
                                     const ChoiceOptions& options);

// {"size": [height, width], "regions": [{"rle", "area", "bbox": [x, y, w, h], "predicted_iou",
// "stability_score", "point", "crop_box"}]}: what data/region_cache.h keeps.
nlohmann::json regions_json(const std::vector<AutoMask>& masks, int width, int height);

// The same as an instance map; empty without a region.
io::Image region_map(const std::vector<AutoMask>& masks, int width, int height);

}  // namespace reasonbrain::segment
