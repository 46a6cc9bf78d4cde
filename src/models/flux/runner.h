// FLUX folders: loading, saving and `model run flux`.
#pragma once

#include <filesystem>

#include "models/component.h"
#include "models/flux/flux.h"

namespace reasonbrain::models::flux {

// From a folder of diffusers' FluxTransformer2DModel, or its config.json beside one weight file in
// the original layout. Throws Error(kData) naming what does not fit.
Flux load_flux(const std::filesystem::path& folder, const torch::TensorOptions& options);
void save_flux(const std::filesystem::path& folder, Flux& flux);

Component flux_component();

}  // namespace reasonbrain::models::flux
