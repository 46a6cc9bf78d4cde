// Options of automatic masks, by the names and with the defaults of segment-anything's
// SamAutomaticMaskGenerator.
#pragma once

#include <cstdint>

#include "reasonbrain/describe.h"

namespace reasonbrain::segment {

struct MaskOptions {
  int64_t points_per_side = 32;
  int64_t points_per_batch = 64;
  double pred_iou_thresh = 0.88;
  double stability_score_thresh = 0.95;
  double stability_score_offset = 1.0;
  double box_nms_thresh = 0.7;
  int64_t crop_n_layers = 0;
  double crop_nms_thresh = 0.7;
  double crop_overlap_ratio = 512.0 / 1500.0;
  int64_t crop_n_points_downscale_factor = 1;
  int64_t min_mask_region_area = 0;

  void describe(OptionVisitor& v);
};

// Which of the masks become regions that a model looks at.
struct ChoiceOptions {
  int64_t max_regions = 32;
  double min_share = 0.001;
  double max_share = 0.95;

  void describe(OptionVisitor& v);
};

struct SegmentOptions : MaskOptions, ChoiceOptions {
  void describe(OptionVisitor& v);
};

}  // namespace reasonbrain::segment
