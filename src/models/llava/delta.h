// LLaVA weights that were published as differences to LLaMA's (v1 and v1.1).
#pragma once

#include <filesystem>

#include "nn/state_dict.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::models::llava {

// base + delta under the delta's keys, in its dtype. The delta's token tables may have more rows:
// the first ones are added to. Only the projector may be in the delta alone. Error(kData) naming
// the keys that do not go together.
nn::StateDict apply_delta(const io::TensorStore& base, const io::TensorStore& delta);

// Writes the sum as a folder with the delta's config.json; tokenizer files are the caller's.
void write_delta_applied(const std::filesystem::path& base, const std::filesystem::path& delta,
                         const std::filesystem::path& out);

}  // namespace reasonbrain::models::llava
