// Any picture on the model's square canvas, and the edit back on the picture.
//
// The long side is resized to S with Pillow's bicubic filter, the picture is centred and its edge
// pixels are repeated outwards. On the way back only what the edit changed comes from the canvas,
// so that the rest of a larger picture keeps its sharpness: an unedited canvas gives the picture
// back, byte for byte.
#pragma once

#include "reasonbrain/image.h"

namespace reasonbrain::edit {

class Geometry {
 public:
  // Sizes in pixels, each at least 1.
  Geometry(int width, int height, int side);

  // RGB, width x height -> S x S. A picture that is S x S already is returned as it is.
  io::Image to_canvas(const io::Image& picture) const;

  // Labels, width x height -> S x S by nearest neighbour, 0 around them.
  io::Image labels_to_canvas(const io::Image& labels) const;

  // The picture with the edit: picture (1 - a) + resized edit a, where a grows from 0 where
  // `edited` equals `canvas` to 1 where a channel differs by kFullChange levels or more (or one of
  // the 8 neighbours does). Where picture and canvas have the same scale, the edited pixels
  // themselves.
  io::Image from_canvas(const io::Image& picture, const io::Image& canvas,
                        const io::Image& edited) const;

  // An S x S picture cut and resized to the picture's size.
  io::Image resize_from_canvas(const io::Image& canvas) const;

  static constexpr int kFullChange = 16;  // 8-bit levels

 private:
  bool same_scale() const { return inner_width_ == width_ && inner_height_ == height_; }

  int width_, height_, side_;
  int inner_width_, inner_height_;  // of the picture on the canvas
  int left_, top_;
};

}  // namespace reasonbrain::edit
