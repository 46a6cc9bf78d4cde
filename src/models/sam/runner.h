// SAM as a component of `model run`, and its folder.
#pragma once

#include <filesystem>

#include "models/component.h"
#include "models/sam/sam.h"

namespace reasonbrain::models::sam {

// A folder with config.json of a SamModel and weights under transformers' keys or those of
// segment-anything.
Sam load_sam(const std::filesystem::path& folder, const torch::TensorOptions& options);

void save_sam(const std::filesystem::path& folder, Sam& sam);

// The weights under segment-anything's keys. Error(kData) where prompts have another table of
// positions than the picture.
nn::StateDict original_weights(Sam& sam);

Component sam_component();

}  // namespace reasonbrain::models::sam
