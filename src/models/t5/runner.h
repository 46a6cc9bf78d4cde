// T5 encoder folders: loading, saving and `model run t5-encoder`.
#pragma once

#include <filesystem>

#include "models/component.h"
#include "models/t5/t5.h"

namespace reasonbrain::models::t5 {

// From a folder of transformers' T5EncoderModel, or of a whole T5 whose decoder is passed over, in
// transformers' layout or Google's. Throws Error(kData) naming what does not fit.
T5Encoder load_t5(const std::filesystem::path& folder, const nn::Build& build);
void save_t5(const std::filesystem::path& folder, T5Encoder& encoder);

Component encoder_component();  // t5-encoder

}  // namespace reasonbrain::models::t5
