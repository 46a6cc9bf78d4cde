// T5 encoders from and to folders of transformers.
#pragma once

#include <filesystem>

#include "models/key_map.h"
#include "models/t5/t5.h"

namespace reasonbrain::models::t5 {

struct Loaded {
  T5Encoder model{nullptr};
  FileParameters by_file_key;  // the parameters under the keys of the weight files
};

// A folder of transformers' T5EncoderModel, or of a whole T5 whose decoder is passed over, in
// transformers' layout or Google's. Error(kData) naming what does not fit.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

void save(const std::filesystem::path& folder, const T5Encoder& model);

}  // namespace reasonbrain::models::t5
