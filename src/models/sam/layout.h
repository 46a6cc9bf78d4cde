// The two layouts of SAM's weights.
#pragma once

#include "models/key_map.h"

namespace reasonbrain::models::sam {

// transformers' SamModel. `tied`: the prompts' table of positions is the picture's.
KeyTable hf_keys(bool tied);

// The files of segment-anything (sam_vit_h_4b8939.pth ...), which have one table of positions.
KeyTable original_keys(int64_t iou_head_depth);

bool is_original_layout(const std::vector<std::string>& keys);

}  // namespace reasonbrain::models::sam
