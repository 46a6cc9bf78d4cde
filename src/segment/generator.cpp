#include "segment/generator.h"

#include <algorithm>
#include <numeric>

#include "core/interrupt.h"
#include "core/sha256.h"
#include "core/str.h"
#include "data/rle.h"
#include "io/resize.h"
#include "models/sam/folder.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"
#include "segment/mask_tensors.h"
#include "segment/small_regions.h"

namespace reasonbrain::segment {
namespace {

constexpr int64_t kLogitsAtOnce = 32 << 20;  // upscaled at a time; bounds the memory

std::string folder_sha256(const std::filesystem::path& folder) {
  std::string lines;
  auto files = io::TensorStore(folder).files();
  files.push_back(folder / "config.json");
  for (const auto& file : files) {
    lines += file.filename().string() + " " + sha256_file(file) + "\n";
  }
  return sha256_hex(lines);
}

int64_t area_of(const std::vector<int64_t>& runs) {
  int64_t area = 0;
  for (size_t i = 1; i < runs.size(); i += 2) area += runs[i];
  return area;
}

// The masks of one crop on their way from logits to runs.
class CropMasks {
 public:
  CropMasks(const io::Image& rgb, const Box& crop, int side)
      : picture_(rgb), crop_(crop), side_(side) {
    const bool whole = crop == Box{0, 0, rgb.width, rgb.height};
    prepared_ =
        prepare(whole ? rgb : io::crop(rgb, crop.x0, crop.y0, crop.width(), crop.height()), side);
  }

  const torch::Tensor& pixels() const { return prepared_.pixels; }

  // Places of the unit square as prompts: float64 [1, P, 1, 2].
  torch::Tensor prompts(const std::vector<Point>& points) const {
    torch::Tensor out = at::empty({static_cast<int64_t>(points.size()), 2}, torch::kFloat64);
    for (size_t i = 0; i < points.size(); ++i) {
      out[static_cast<int64_t>(i)][0] = points[i].x * prepared_.width;
      out[static_cast<int64_t>(i)][1] = points[i].y * prepared_.height;
    }
    return out.view({1, -1, 1, 2});
  }

  // What of the decoder's answers to `points` passes the filters.
  void add(const models::sam::Masks& decoded, const std::vector<Point>& points,
           const MaskOptions& options, std::vector<AutoMask>& out) const {
    const torch::Tensor ratings = decoded.iou_scores[0].flatten().to(torch::kFloat32);
    const torch::Tensor logits = decoded.pred_masks[0].flatten(0, 1);
    const int64_t per_point = decoded.iou_scores.size(2);
    torch::Tensor wanted = at::arange(ratings.size(0), ratings.options().dtype(torch::kInt64));
    if (options.pred_iou_thresh > 0) wanted = wanted.index({ratings > options.pred_iou_thresh});
    const int64_t step = std::max<int64_t>(1, kLogitsAtOnce / crop_.area());
    for (int64_t begin = 0; begin < wanted.size(0); begin += step) {
      torch::Tensor some = wanted.slice(0, begin, begin + step);
      torch::Tensor large = upscale_masks(logits.index_select(0, some), side_, prepared_,
                                          crop_.width(), crop_.height());
      torch::Tensor stability = stability_scores(large, options.stability_score_offset);
      if (options.stability_score_thresh > 0) {
        const torch::Tensor stable = stability >= options.stability_score_thresh;
        some = some.index({stable}), large = large.index({stable});
        stability = stability.index({stable});
      }
      const torch::Tensor binary = (large > 0).to(torch::kUInt8).cpu().contiguous();
      for (int64_t k = 0; k < some.size(0); ++k) {
        const int64_t index = some[k].item<int64_t>();
        const Point& point = points[static_cast<size_t>(index / per_point)];
        AutoMask mask;
        mask.predicted_iou = ratings[index].item<float>();
        mask.stability_score = stability[k].item<float>();
        mask.point = {crop_.x0 + point.x * crop_.width(), crop_.y0 + point.y * crop_.height()};
        if (finish(binary[k].data_ptr<uint8_t>(), mask)) out.push_back(std::move(mask));
      }
    }
  }

 private:
  // Fills in box and runs from the crop's mask; false when the crop cuts it off.
  bool finish(const uint8_t* pixels, AutoMask& mask) const {
    const Box inside = mask_box(pixels, crop_.width(), crop_.height());
    mask.box = {inside.x0 + crop_.x0, inside.y0 + crop_.y0, inside.x1 + crop_.x0,
                inside.y1 + crop_.y0};
    if (is_cut_off(mask.box, crop_, picture_.width, picture_.height)) return false;
    std::vector<uint8_t> whole(static_cast<size_t>(picture_.width) * picture_.height, 0);
    for (int y = 0; y < crop_.height(); ++y) {
      const uint8_t* row = pixels + static_cast<size_t>(y) * crop_.width();
      std::copy_n(row, crop_.width(),
                  whole.begin() + static_cast<int64_t>(crop_.y0 + y) * picture_.width + crop_.x0);
    }
    mask.runs = data::mask_to_runs(whole, picture_.width, picture_.height);
    mask.area = area_of(mask.runs);
    mask.crop = crop_;
    return true;
  }

  const io::Image& picture_;
  Box crop_;
  int side_;
  Prepared prepared_;
};

template <class Score>
std::vector<float> scores_of(const std::vector<AutoMask>& masks, Score score) {
  std::vector<float> scores(masks.size());
  std::transform(masks.begin(), masks.end(), scores.begin(), score);
  return scores;
}

}  // namespace

void keep_best(std::vector<AutoMask>& masks, const std::vector<float>& scores, double threshold) {
  std::vector<Box> boxes;
  for (const AutoMask& mask : masks) boxes.push_back(mask.box);
  std::vector<AutoMask> kept;
  for (const size_t i : suppress(boxes, scores, threshold)) kept.push_back(std::move(masks[i]));
  masks = std::move(kept);
}

MaskGenerator::MaskGenerator(models::sam::Sam sam, const MaskOptions& options,
                             const Placement& placement)
    : sam_(std::move(sam)), options_(options), placement_(placement) {
  sam_->eval();
  if (sam_->config().vision.num_channels != 3) {
    throw data_error(str("SAM's vision_config.num_channels is ", sam_->config().vision.num_channels,
                         "; expected 3, pictures are RGB"));
  }
}

MaskGenerator::MaskGenerator(const std::filesystem::path& folder, const MaskOptions& options,
                             const Placement& placement)
    : MaskGenerator(models::sam::load(folder, nn::Build{placement.options()}).model, options,
                    placement) {
  sha256_ = folder_sha256(folder);
}

std::vector<AutoMask> MaskGenerator::of_crop(const io::Image& rgb, const Crop& crop) const {
  const CropMasks masks(rgb, crop.box, static_cast<int>(sam_->config().vision.image_size));
  const torch::Tensor image = sam_->encode(masks.pixels().to(placement_.device, placement_.dtype));
  int64_t per_side = options_.points_per_side;
  for (int i = 0; i < crop.layer; ++i) per_side /= options_.crop_n_points_downscale_factor;
  const std::vector<Point> grid = point_grid(static_cast<int>(std::max<int64_t>(per_side, 1)));
  std::vector<AutoMask> found;
  const auto batch = static_cast<size_t>(options_.points_per_batch);
  for (size_t begin = 0; begin < grid.size(); begin += batch) {
    throw_if_interrupted();
    const std::vector<Point> points(
        grid.begin() + static_cast<int64_t>(begin),
        grid.begin() + static_cast<int64_t>(std::min(begin + batch, grid.size())));
    models::sam::Prompts prompts;
    prompts.points = masks.prompts(points).to(placement_.device);
    masks.add(sam_->decode(image, prompts), points, options_, found);
  }
  keep_best(found, scores_of(found, [](const AutoMask& mask) { return mask.predicted_iou; }),
            options_.box_nms_thresh);
  return found;
}

void MaskGenerator::clean_up(std::vector<AutoMask>& masks, int width, int height) const {
  std::vector<float> scores;  // masks that needed no cleaning are preferred
  for (AutoMask& mask : masks) {
    std::vector<uint8_t> pixels = data::runs_to_mask(mask.runs, width, height, "mask");
    const bool changed = remove_small_regions(pixels, width, height, options_.min_mask_region_area);
    scores.push_back(changed ? 0.0F : 1.0F);
    if (!changed) continue;
    mask.box = mask_box(pixels.data(), width, height);
    mask.runs = data::mask_to_runs(pixels, width, height);
    mask.area = area_of(mask.runs);
  }
  keep_best(masks, scores, std::max(options_.box_nms_thresh, options_.crop_nms_thresh));
}

std::vector<AutoMask> MaskGenerator::masks(const io::Image& rgb) const {
  torch::NoGradGuard no_grad;
  std::vector<AutoMask> all;
  const std::vector<Crop> crops = crop_boxes(
      rgb.width, rgb.height, static_cast<int>(options_.crop_n_layers), options_.crop_overlap_ratio);
  for (const Crop& crop : crops) {
    std::vector<AutoMask> found = of_crop(rgb, crop);
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  if (crops.size() > 1) {  // a closer look is the better one
    keep_best(
        all,
        scores_of(all,
                  [](const AutoMask& mask) { return 1.0F / static_cast<float>(mask.crop.area()); }),
        options_.crop_nms_thresh);
  }
  if (options_.min_mask_region_area > 0) clean_up(all, rgb.width, rgb.height);
  return all;
}

}  // namespace reasonbrain::segment
