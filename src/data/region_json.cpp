#include "data/region_json.h"

#include <algorithm>
#include <numeric>

#include "core/atomic_file.h"
#include "core/str.h"
#include "data/json_fields.h"
#include "data/regions.h"
#include "data/rle.h"
#include "io/image_header.h"
#include "io/json.h"
#include "io/path_safety.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::data {
namespace {

using nlohmann::json;

constexpr size_t kMaxLabels = 255;

// Measured, not decoded: the masks of all regions at once would fill the memory.
struct Region {
  std::vector<int64_t> runs;
  std::string mask;  // the picture in place of runs, "" without
  int64_t area = 0;  // pixels
};

int64_t checked_side(const json& size, size_t axis, const std::string& origin) {
  const int64_t max_side = io::ReadOptions().max_pixels;
  if (!size.is_array() || size.size() != 2 || !size[axis].is_number_integer() || size[axis] < 1 ||
      size[axis] > max_side) {
    throw data_error(str(origin, ": 'size' of a region must be [height, width] in pixels"));
  }
  return size[axis].get<int64_t>();
}

// The object with 'size' and 'counts' of a region, null when there is none.
const json* find_runs(const json& region) {
  if (region.contains("counts")) return &region;
  for (const char* key : {"rle", "segmentation"}) {
    const auto found = region.find(key);
    if (found != region.end() && found->is_object()) return &*found;
  }
  return nullptr;
}

// The mask picture of a region without runs, "" when it names none.
std::string mask_name(const json& region) {
  const bool named = region.is_object() && find_runs(region) == nullptr &&
                     region.contains("mask") && region["mask"].is_string();
  return named ? region["mask"].get<std::string>() : "";
}

json region_list(json value) {
  if (value.is_object() && value.contains("regions")) value = json(value["regions"]);
  return value.is_object() ? json::array({value}) : value;
}

class RegionReader {
 public:
  // width, height: what every region must have; 0: what the first one has.
  RegionReader(const std::string& origin, const std::filesystem::path& folder, int width,
               int height)
      : origin_(origin), folder_(folder), width_(width), height_(height) {}

  Region measure(const json& region) {
    if (region.is_object()) {
      if (const json* runs = find_runs(region)) return measure_runs(*runs);
      if (const std::string name = mask_name(region); !name.empty()) {
        const std::vector<uint8_t> pixels = read_mask(name);
        const auto outside = std::count(pixels.begin(), pixels.end(), uint8_t{0});
        return {{}, name, static_cast<int64_t>(pixels.size()) - static_cast<int64_t>(outside)};
      }
    }
    throw data_error(
        str(origin_, ": a region needs 'rle' with 'size' and 'counts', or 'mask' with a path"));
  }

  // Rows from top to bottom, 0 outside the region.
  std::vector<uint8_t> decode(const Region& region) {
    if (!region.mask.empty()) return read_mask(region.mask);
    return runs_to_mask(region.runs, width(), height(), origin_);
  }

  int width() const { return static_cast<int>(width_); }
  int height() const { return static_cast<int>(height_); }

 private:
  // Before a region is decoded: many large ones would fill the memory.
  void check_size(int64_t width, int64_t height) {
    if (width_ == 0) {
      width_ = width;
      height_ = height;
    }
    if (width == width_ && height == height_) return;
    throw data_error(str(origin_, ": a region is ", width, "x", height, ", expected ", width_, "x",
                         height_, ", the size of the picture and of all its regions"));
  }

  Region measure_runs(const json& region) {
    const json size = region.value("size", json());
    const int64_t height = checked_side(size, 0, origin_), width = checked_side(size, 1, origin_);
    if (height * width > io::ReadOptions().max_pixels) {
      throw data_error(str(origin_, ": a region of ", width, "x", height, " pixels is too large"));
    }
    check_size(width, height);
    const json counts = region.value("counts", json());
    std::vector<int64_t> runs;
    if (counts.is_string()) {
      runs = decompress_runs(counts.get_ref<const std::string&>(), origin_);
    } else if (counts.is_array()) {
      for (const json& run : counts) {
        if (!run.is_number_integer()) {
          throw data_error(str(origin_, ": a run is ", io::shortened(run.dump())));
        }
        runs.push_back(run.get<int64_t>());
      }
    } else {
      throw data_error(str(origin_, ": 'counts' of a region must be a list of runs or a string"));
    }
    const int64_t area = runs_area(runs, this->width(), this->height(), origin_);
    return {std::move(runs), "", area};
  }

  std::vector<uint8_t> read_mask(const std::string& name) {
    const std::filesystem::path path = io::resolve_inside(folder_, name, origin_);
    const std::string bytes = read_file(path, io::ReadOptions().max_bytes);
    const io::ImageHeader header = io::read_image_header(bytes, path.string());
    check_size(header.width, header.height);
    return io::decode_label_map(bytes, path.string()).pixels;
  }

  const std::string& origin_;
  const std::filesystem::path& folder_;
  int64_t width_, height_;
};

}  // namespace

io::Image regions_from_json(std::string_view text, const std::string& origin,
                            const std::filesystem::path& folder, int width, int height) {
  const json list = region_list(io::parse_json(text, origin));
  if (!list.is_array() || list.size() > kMaxLabels) {
    throw data_error(str(origin, ": expected a list of at most ", kMaxLabels, " regions"));
  }
  if (list.empty()) return {};
  RegionReader reader(origin, folder, width, height);
  std::vector<Region> regions;
  for (const json& region : list) regions.push_back(reader.measure(region));
  std::vector<size_t> order(regions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return regions[a].area > regions[b].area; });
  io::Image map(reader.width(), reader.height(), 1);
  for (size_t i : order) {
    const std::vector<uint8_t> mask = reader.decode(regions[i]);
    for (size_t p = 0; p < map.pixels.size(); ++p) {
      if (mask[p] != 0) map.pixels[p] = static_cast<uint8_t>(i + 1);
    }
  }
  return map;
}

std::vector<std::string> mask_names(std::string_view text, const std::string& origin) {
  std::vector<std::string> names;
  for (const json& region : region_list(io::parse_json(text, origin))) {
    if (std::string name = mask_name(region); !name.empty()) names.push_back(std::move(name));
  }
  return names;
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
