// UNets from and to folders of diffusers.
#pragma once

#include <filesystem>

#include "models/key_map.h"
#include "models/unet/unet.h"

namespace reasonbrain::models::unet {

struct Loaded {
  UNet model{nullptr};
  FileParameters by_file_key;  // the parameters under the keys of the weight files
};

// A folder of diffusers' UNet2DConditionModel: config.json and the weights, under diffusers' names
// or the original's, alone or in a whole Stable Diffusion checkpoint; a PEFT adapter beside them is
// loaded too. Error(kData) naming what does not fit.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

void save(const std::filesystem::path& folder, const UNet& model);

}  // namespace reasonbrain::models::unet
