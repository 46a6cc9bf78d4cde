// Autoencoder folders: loading, saving, `model run vae-encode` and `vae-decode`.
#pragma once

#include <filesystem>

#include "models/component.h"
#include "models/vae/vae.h"

namespace reasonbrain::models::vae {

// From a folder of diffusers' AutoencoderKL: config.json and diffusion_pytorch_model.safetensors
// (single, sharded, any dtype, attention under its old or new names). Throws Error(kData) naming
// what does not fit.
AutoencoderKL load_vae(const std::filesystem::path& folder, const torch::TensorOptions& options);
void save_vae(const std::filesystem::path& folder, AutoencoderKL& vae);

Component encode_component();
Component decode_component();

}  // namespace reasonbrain::models::vae
