// Typed checks of an edited picture. They travel with the record as JSON, so that exported files
// can be scored; all numbers are pixels and 8-bit levels:
//   {"type": "unchanged", "instance": 2, "tol": 8}    mean |edited - source| over the instance
//   {"type": "area", "color": [r,g,b], "box": [x0,y0,x1,y1], "expect": 96, "tol": 14}
//   {"type": "centroid", "color": ..., "box": ..., "expect": [x, y], "tol": 2.5}
//   {"type": "mean_color", "box": ..., "expect": [r,g,b], "tol": 10}
//   {"type": "match", "box": ..., "tol": 9.5}         mean |edited - target| over the box
// match stands in for mean_color where the source has the same mean; area and centroid are of the
// largest connected blob of the colour in the box. Without a box a check is of the whole picture.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "miniworld/palette.h"
#include "reasonbrain/record.h"

namespace reasonbrain::miniworld {

// What the target shows, as {"checks": [...]}. keys[i] is the colour of instance i + 1;
// target_instances is the instance map of the target.
std::string make_checks(const data::Sample& sample, const io::Image& target_instances,
                        const std::vector<Colour>& keys);

// The share of the record's checks that hold for `edited`; nullopt if it has none. A check that
// cannot be evaluated (unknown type, missing value, no instance map) counts as failed.
std::optional<double> check_share(const data::Sample& sample, const io::Image& edited);

}  // namespace reasonbrain::miniworld
