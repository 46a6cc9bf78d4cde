#include "data/region_json.h"

#include <algorithm>
#include <numeric>

#include "core/str.h"
#include "data/json_fields.h"
#include "data/regions.h"
#include "data/rle.h"
#include "io/json.h"
#include "io/path_safety.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::data {
namespace {

using nlohmann::json;

constexpr size_t kMaxLabels = 255;

struct Mask {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;  // 0 or 1
  int64_t area() const { return std::accumulate(pixels.begin(), pixels.end(), int64_t{0}); }
};

int64_t checked_side(const json& size, size_t axis, const std::string& origin) {
  const int64_t max_side = io::ReadOptions().max_pixels;
  if (!size.is_array() || size.size() != 2 || !size[axis].is_number_integer() || size[axis] < 1 ||
      size[axis] > max_side) {
    throw data_error(str(origin, ": 'size' of a region must be [height, width] in pixels"));
  }
  return size[axis].get<int64_t>();
}

Mask read_rle(const json& region, const std::string& origin) {
  const json size = region.value("size", json());
  const int64_t height = checked_side(size, 0, origin), width = checked_side(size, 1, origin);
  if (height * width > io::ReadOptions().max_pixels) {
    throw data_error(str(origin, ": a region of ", width, "x", height, " pixels is too large"));
  }
  const json counts = region.value("counts", json());
  std::vector<int64_t> runs;
  if (counts.is_string()) {
    runs = decompress_runs(counts.get_ref<const std::string&>(), origin);
  } else if (counts.is_array()) {
    for (const json& run : counts) {
      if (!run.is_number_integer()) throw data_error(str(origin, ": a run is ", run.dump()));
      runs.push_back(run.get<int64_t>());
    }
  } else {
    throw data_error(str(origin, ": 'counts' of a region must be a list of runs or a string"));
  }
  const int w = static_cast<int>(width), h = static_cast<int>(height);
  return {w, h, runs_to_mask(runs, w, h, origin)};
}

Mask read_mask(const std::string& name, const std::string& origin,
               const std::filesystem::path& folder) {
  const io::Image picture = io::read_label_map(io::resolve_inside(folder, name, origin));
  Mask mask{picture.width, picture.height, picture.pixels};
  for (uint8_t& pixel : mask.pixels) pixel = pixel != 0;
  return mask;
}

Mask read_region(const json& region, const std::string& origin,
                 const std::filesystem::path& folder) {
  if (region.is_object()) {
    if (region.contains("counts")) return read_rle(region, origin);
    for (const char* key : {"rle", "segmentation"}) {
      if (region.contains(key) && region[key].is_object()) return read_rle(region[key], origin);
    }
    if (region.contains("mask") && region["mask"].is_string()) {
      return read_mask(region["mask"].get<std::string>(), origin, folder);
    }
  }
  throw data_error(
      str(origin, ": a region needs 'rle' with 'size' and 'counts', or 'mask' with a path"));
}

}  // namespace

io::Image regions_from_json(std::string_view text, const std::string& origin,
                            const std::filesystem::path& folder) {
  json value = io::parse_json(text, origin);
  if (value.is_object() && value.contains("regions")) value = json(value["regions"]);
  if (value.is_object()) value = json::array({value});
  if (!value.is_array() || value.empty() || value.size() > kMaxLabels) {
    throw data_error(str(origin, ": expected 1 to ", kMaxLabels, " regions"));
  }
  std::vector<Mask> masks;
  for (const json& region : value) {
    masks.push_back(read_region(region, origin, folder));
    if (masks.back().width != masks[0].width || masks.back().height != masks[0].height) {
      throw data_error(str(origin, ": region ", masks.size(), " is ", masks.back().width, "x",
                           masks.back().height, ", the first is ", masks[0].width, "x",
                           masks[0].height));
    }
  }
  std::vector<size_t> order(masks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return masks[a].area() > masks[b].area(); });
  io::Image map(masks[0].width, masks[0].height, 1);
  for (size_t i : order) {
    for (size_t p = 0; p < map.pixels.size(); ++p) {
      if (masks[i].pixels[p] != 0) map.pixels[p] = static_cast<uint8_t>(i + 1);
    }
  }
  return map;
}

std::string regions_to_json(const io::Image& map) {
  json regions = json::array();
  for (const RegionMask& region : region_masks(map, kMaxLabels)) {
    const auto runs = mask_to_runs(region.pixels, map.width, map.height);
    regions.push_back(
        {{"rle", {{"size", {map.height, map.width}}, {"counts", compress_runs(runs)}}}});
  }
  return regions.dump();
}

}  // namespace reasonbrain::data
