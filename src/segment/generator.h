// Masks of everything in a picture: SAM prompted by a grid of points (Kirillov et al. 2023,
// appendix B; segment-anything's SamAutomaticMaskGenerator).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/placement.h"
#include "models/sam/sam.h"
#include "reasonbrain/image.h"
#include "segment/boxes.h"
#include "segment/options.h"

namespace reasonbrain::segment {

struct AutoMask {
  std::vector<int64_t> runs;  // of the picture, as data/rle.h has them
  int64_t area = 0;           // pixels
  Box box;
  float predicted_iou = 0, stability_score = 0;
  Point point;  // the prompt, in pixels of the picture
  Box crop;     // where it was looked for
};

class MaskGenerator {
 public:
  // `folder` as models::sam::load() takes it. Error(kData) when the model takes other than RGB.
  MaskGenerator(const std::filesystem::path& folder, const MaskOptions& options,
                const Placement& placement);
  MaskGenerator(models::sam::Sam sam, const MaskOptions& options, const Placement& placement);

  // Best first. The same picture gives the same masks. Ends with Error(kInterrupted) on a signal.
  std::vector<AutoMask> masks(const io::Image& rgb) const;

  // SHA-256 of config.json and the weight files; "" without a folder.
  const std::string& sha256() const { return sha256_; }

 private:
  std::vector<AutoMask> of_crop(const io::Image& rgb, const Crop& crop) const;
  void clean_up(std::vector<AutoMask>& masks, int width, int height) const;

  mutable models::sam::Sam sam_;
  MaskOptions options_;
  Placement placement_;
  std::string sha256_;
};

// Removes duplicates: what suppress() leaves, in its order.
void keep_best(std::vector<AutoMask>& masks, const std::vector<float>& scores, double threshold);

}  // namespace reasonbrain::segment
