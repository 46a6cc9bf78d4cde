// QFormers from and to folders of transformers.
#pragma once

#include <filesystem>

#include "models/key_map.h"
#include "models/qformer/qformer.h"

namespace reasonbrain::models::qformer {

struct Loaded {
  QFormer model{nullptr};
  FileParameters by_file_key;  // the parameters under the keys of the weight files
};

// A folder of transformers' Blip2QFormerModel, the weights under its names or LAVIS'. Text-branch
// weights are passed over. Error(kData) naming what does not fit.
Loaded load(const std::filesystem::path& folder, const nn::Build& build);

void save(const std::filesystem::path& folder, const QFormer& model);

}  // namespace reasonbrain::models::qformer
