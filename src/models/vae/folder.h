// Autoencoders from and to folders of diffusers.
#pragma once

#include <filesystem>

#include "models/key_map.h"
#include "models/vae/vae.h"

namespace reasonbrain::models::vae {

struct Loaded {
  AutoencoderKL model{nullptr};
  FileParameters by_file_key;  // the parameters under the keys of the weight files
};

// A folder of diffusers' AutoencoderKL: config.json and the weights, under diffusers' names (the
// attention's old or new) or the original's, alone or in a whole Stable Diffusion checkpoint.
// Error(kData) naming what does not fit.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

void save(const std::filesystem::path& folder, const AutoencoderKL& model);

}  // namespace reasonbrain::models::vae
