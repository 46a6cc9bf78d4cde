// FLUX transformers from and to folders of diffusers.
#pragma once

#include <filesystem>

#include "models/flux/flux.h"
#include "models/key_map.h"

namespace reasonbrain::models::flux {

struct Loaded {
  Flux model{nullptr};
  FileParameters by_file_key;  // the parameters under the keys of the weight files
};

// A folder of diffusers' FluxTransformer2DModel, or its config.json beside one weight file in the
// original layout; a PEFT adapter beside them is loaded too. Error(kData) naming what does not fit.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

void save(const std::filesystem::path& folder, const Flux& model);

}  // namespace reasonbrain::models::flux
