// UNet folders: loading, saving and `model run unet`.
#pragma once

#include <filesystem>

#include "models/component.h"
#include "models/unet/unet.h"

namespace reasonbrain::models::unet {

// From a folder of diffusers' UNet2DConditionModel: config.json and the weights, under diffusers'
// names or the original's, alone or in a whole Stable Diffusion checkpoint. Throws Error(kData)
// naming what does not fit.
UNet load_unet(const std::filesystem::path& folder, const torch::TensorOptions& options);
void save_unet(const std::filesystem::path& folder, UNet& unet);

Component unet_component();

}  // namespace reasonbrain::models::unet
