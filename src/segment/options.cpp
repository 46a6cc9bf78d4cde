#include "segment/options.h"

#include "data/regions.h"

namespace reasonbrain::segment {

void MaskOptions::describe(OptionVisitor& v) {
  v.field("points_per_side", points_per_side,
          {.help = "Points of the prompt grid along a side", .min = 1, .max = 1024});
  v.field(
      "points_per_batch", points_per_batch,
      {.help = "Points decoded at a time; changes memory and speed only", .min = 1, .max = 65536});
  v.field(
      "pred_iou_thresh", pred_iou_thresh,
      {.help = "Masks that the model rates lower are dropped; 0 keeps all", .min = 0, .max = 1});
  v.field("stability_score_thresh", stability_score_thresh,
          {.help = "Masks that change more with their threshold are dropped; 0 keeps all",
           .min = 0,
           .max = 1});
  v.field("stability_score_offset", stability_score_offset,
          {.help = "How far this threshold is moved up and down", .min = 0, .max = 100});
  v.field("box_nms_thresh", box_nms_thresh,
          {.help = "Of masks whose boxes overlap more, the best stays", .min = 0, .max = 1});
  v.field(
      "crop_n_layers", crop_n_layers,
      {.help = "Layers of crops beside the whole picture; layer n has 4^n", .min = 0, .max = 4});
  v.field("crop_nms_thresh", crop_nms_thresh,
          {.help = "The same as box_nms_thresh between crops", .min = 0, .max = 1});
  v.field("crop_overlap_ratio", crop_overlap_ratio,
          {.help = "Overlap of the first layer's crops, as a share of the short side",
           .min = 0,
           .max = 0.9});
  v.field("crop_n_points_downscale_factor", crop_n_points_downscale_factor,
          {.help = "Layer n has points_per_side divided by this to the power of n",
           .min = 1,
           .max = 1024});
  v.field("min_mask_region_area", min_mask_region_area,
          {.help = "Smaller holes are filled and smaller islands removed; 0: neither",
           .unit = "pixels",
           .min = 0,
           .max = 1e8});
}

void ChoiceOptions::describe(OptionVisitor& v) {
  v.field("max_regions", max_regions,
          {.help = "Regions kept, by area times rating", .min = 1, .max = data::kMaxRegions});
  v.field("min_share", min_share,
          {.help = "Masks that cover less of the picture are no regions", .min = 0, .max = 1});
  v.field("max_share", max_share,
          {.help = "Masks that cover more of the picture are no regions", .min = 0, .max = 1});
}

void SegmentOptions::describe(OptionVisitor& v) {
  MaskOptions::describe(v);
  ChoiceOptions::describe(v);
}

}  // namespace reasonbrain::segment
