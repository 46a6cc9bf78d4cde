// Autoencoder folders: loading, saving, `model run vae-encode` and `vae-decode`.
#pragma once

#include <filesystem>

#include "models/component.h"
#include "models/vae/vae.h"

namespace reasonbrain::models::vae {

// From a folder of diffusers' AutoencoderKL: config.json and the weights, under diffusers' names
// (the attention's old or new) or the original's, alone or in a whole Stable Diffusion checkpoint.
// Throws Error(kData) naming what does not fit.
AutoencoderKL load_vae(const std::filesystem::path& folder, const torch::TensorOptions& options);
void save_vae(const std::filesystem::path& folder, AutoencoderKL& vae);

Component encode_component();
Component decode_component();

}  // namespace reasonbrain::models::vae
