// SAM from and to folders of transformers.
#pragma once

#include <filesystem>

#include "models/key_map.h"
#include "models/sam/sam.h"

namespace reasonbrain::models::sam {

struct Loaded {
  Sam model{nullptr};
  FileParameters by_file_key;  // the parameters under the keys of the weight files
};

// A folder with config.json of a SamModel and weights under transformers' keys or those of
// segment-anything. Error(kData) naming what does not fit.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

void save(const std::filesystem::path& folder, const Sam& model);

// The weights under segment-anything's keys. Error(kData) where prompts have another table of
// positions than the picture.
nn::StateDict original_weights(const Sam& model);

}  // namespace reasonbrain::models::sam
