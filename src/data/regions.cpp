#include "data/regions.h"

#include <algorithm>
#include <array>

#include "core/atomic_file.h"
#include "core/str.h"
#include "data/region_json.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::data {

std::vector<std::string> region_source_names() {
  return {"file", "grid", "kmeans", "none", "sam"};
}

std::vector<RegionMask> region_masks(const io::Image& map, int max_regions) {
  std::array<int64_t, 256> areas{};
  for (uint8_t label : map.pixels) ++areas[label];
  std::vector<RegionMask> masks;
  for (int label = 1; label < 256; ++label) {
    if (areas[static_cast<size_t>(label)] > 0)
      masks.push_back({label, areas[static_cast<size_t>(label)], {}});
  }
  if (static_cast<int>(masks.size()) > max_regions) {
    std::stable_sort(masks.begin(), masks.end(),
                     [](const RegionMask& a, const RegionMask& b) { return a.area > b.area; });
    masks.resize(static_cast<size_t>(max_regions));
    std::sort(masks.begin(), masks.end(),
              [](const RegionMask& a, const RegionMask& b) { return a.label < b.label; });
  }
  for (RegionMask& mask : masks) {
    mask.pixels.resize(map.pixels.size());
    std::transform(map.pixels.begin(), map.pixels.end(), mask.pixels.begin(),
                   [&](uint8_t label) { return static_cast<uint8_t>(label == mask.label); });
  }
  return masks;
}

io::Image grid_regions(int width, int height, int cells) {
  if (cells < 1 || cells * cells > kMaxRegions) {
    throw usage_error(str("a grid of ", cells, " cells a side is not possible, expected 1 to 5"));
  }
  io::Image map(width, height, 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int64_t row = static_cast<int64_t>(y) * cells / height;
      const int64_t column = static_cast<int64_t>(x) * cells / width;
      map.at(x, y) = static_cast<uint8_t>(row * cells + column + 1);
    }
  }
  return map;
}

io::Image read_region_file(const std::filesystem::path& path, int width, int height) {
  const io::Image map =
      path.extension() == ".json"
          ? regions_from_json(read_file(path), path.string(), path.parent_path(), width, height)
          : io::read_label_map(path);
  if (map.empty()) {
    throw data_error(path.string() + ": the list of regions is empty, expected at least one");
  }
  if (map.width != width || map.height != height) {
    throw data_error(str(path.string(), ": the regions are ", map.width, "x", map.height,
                         ", expected the size of the picture, ", width, "x", height));
  }
  return map;
}

io::Image make_regions(const io::Image& rgb, const io::Image& from_file, RegionSource source) {
  switch (source) {
    case RegionSource::kFile:
      return from_file;
    case RegionSource::kGrid:
      return grid_regions(rgb.width, rgb.height, kGridCells);
    case RegionSource::kKmeans:
      return kmeans_regions(rgb);
    case RegionSource::kNone:
      return {};
    case RegionSource::kSam:
      throw usage_error("regions by SAM need a folder with its weights; expected --sam DIR");
  }
  return {};
}

}  // namespace reasonbrain::data
