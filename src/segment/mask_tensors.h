// Between pictures and SAM's square, and what is measured on its logits.
// Legend: S side of the encoder's picture, K masks, h x w a mask as decoded, H x W a picture.
#pragma once

#include <torch/types.h>

#include "reasonbrain/image.h"

namespace reasonbrain::segment {

struct Prepared {
  torch::Tensor pixels;  // [1, 3, S, S] float32, normalised; zero right of and below the picture
  int width = 0, height = 0;  // of the picture inside
};

// The long side becomes S.
Prepared prepare(const io::Image& rgb, int side);

// Logits at the picture's size.
torch::Tensor upscale_masks(const torch::Tensor& logits,  // [K, h, w]
                            int side, const Prepared& prepared, int width,
                            int height);  // -> float32 [K, height, width]

// Intersection over union of the masks at the two thresholds -offset and +offset; NaN for an empty
// one.
torch::Tensor stability_scores(const torch::Tensor& logits, double offset);  // [K, H, W] -> [K]

}  // namespace reasonbrain::segment
