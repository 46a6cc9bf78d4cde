// The pictures of an explanation.
#pragma once

#include <vector>

#include "reasonbrain/editor.h"

namespace reasonbrain::edit {

// The canvas with each region in a colour of its own and the background darkened.
io::Image draw_regions(const io::Image& canvas, const io::Image& instance_map);

// The canvas, darkened, with weights [g, g] shining through: the largest weight is the brightest.
io::Image draw_attention(const io::Image& canvas, const std::vector<float>& weights, int64_t grid);

// Of one guidance token [g, g], or their mean when token is -1.
std::vector<float> attention_map(const Turn& turn, int64_t token);

}  // namespace reasonbrain::edit
