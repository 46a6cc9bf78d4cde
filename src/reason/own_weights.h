// The weights of reason/model.safetensors: everything of ours, no part that has a folder of its
// own.
#pragma once

#include "nn/state_dict.h"
#include "reason/denoiser.h"
#include "reason/model.h"

namespace reasonbrain::reason {

// Names of the Model (without llm.) and, after "denoiser.", of the denoiser's adapter (without
// unet., flux. and vae.).
nn::StateDict own_weights(ModelImpl& model, Denoiser& denoiser);

// Strict. Throws Error(kData) listing missing, unexpected and mismatched keys.
void load_own_weights(ModelImpl& model, Denoiser& denoiser, const nn::StateDict& weights,
                      const std::string& origin);

}  // namespace reasonbrain::reason
