// Regions written as JSON: run-length encoded masks as COCO writes them, or mask pictures.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reasonbrain/image.h"

namespace reasonbrain::data {

// `json` is one region, a list of them or {"regions": [...]}. A region is
// {"size": [height, width], "counts": [...] or "compressed"}, the same under "rle" or
// "segmentation", or
// {"mask": PATH} relative to `folder`. Gives an instance map: region i has label i + 1, and where
// regions overlap the smaller one shows; an empty picture for an empty list. Error(kData) starting
// with `origin` for anything that does not fit: more than 255 regions, sizes other than width x
// height (where they are 0: than the first region's) or beyond the picture limit, runs beyond the
// picture.
io::Image regions_from_json(std::string_view json, const std::string& origin,
                            const std::filesystem::path& folder, int width = 0, int height = 0);

// The mask pictures that regions_from_json() would read.
std::vector<std::string> mask_names(std::string_view json, const std::string& origin);

// The regions of `map` as JSON that regions_from_json() reads (compressed counts).
std::string regions_to_json(const io::Image& map);

}  // namespace reasonbrain::data
