// Regions that the model looks at: label maps and where they come from.
//
// A label map is an 8-bit, 1-channel picture, 0 = no region, 1..255 = the regions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reasonbrain/image.h"

namespace reasonbrain::data {

constexpr int kMaxRegions = 32;  // that a model is given
constexpr int kGridCells = 4;    // a side, where regions are a grid

enum class RegionSource { kFile, kGrid, kKmeans, kNone, kSam };
std::vector<std::string> region_source_names();  // in the order of RegionSource

struct RegionMask {
  int label = 0;                // in the label map
  int64_t area = 0;             // pixels
  std::vector<uint8_t> pixels;  // height * width, 0 or 1
};

// One mask a label that occurs, by ascending label; of more than `max_regions` the largest are
// kept.
std::vector<RegionMask> region_masks(const io::Image& map, int max_regions = kMaxRegions);

// cells x cells regions in reading order; cells in [1, 5], so that at most kMaxRegions come out.
io::Image grid_regions(int width, int height, int cells);

// Objects in front of an even background, found by colour and place (see the .cpp). At most
// kMaxRegions, the largest has label 1; the background and what is too small to be an object have
// label 0. `rgb` has 3 channels. The same picture always gives the same map.
io::Image kmeans_regions(const io::Image& rgb);

// A label map or black-and-white mask (PNG, WebP) or RLE JSON (region_json.h), by the file's
// extension. Error(kData) when it is damaged or its size is not width x height.
io::Image read_region_file(const std::filesystem::path& path, int width, int height);

// The label map of `rgb` by `source`; `from_file` is the sample's own map and may be empty. Empty
// for kNone and for kFile without a map. Error(kUsage) for kSam: its masks need a model
// (segment/generator.h) or a cache of them (region_cache.h).
io::Image make_regions(const io::Image& rgb, const io::Image& from_file, RegionSource source);

}  // namespace reasonbrain::data
