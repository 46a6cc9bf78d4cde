// Cleaning a mask of specks.
#pragma once

#include <cstdint>
#include <vector>

namespace reasonbrain::segment {

// Fills holes, then removes islands, of fewer than `min_area` pixels; pixels that touch at a corner
// hang together. When every island is small the largest (the first of equal ones) stays. True when
// something changed. A piece of background counts as a hole at the picture's edge too, as in
// segment-anything.
bool remove_small_regions(std::vector<uint8_t>& mask, int width, int height, int64_t min_area);

}  // namespace reasonbrain::segment
