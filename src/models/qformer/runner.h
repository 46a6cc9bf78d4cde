// QFormer folders: loading, saving and `model run qformer`.
#pragma once

#include <filesystem>

#include "models/component.h"
#include "models/qformer/qformer.h"

namespace reasonbrain::models::qformer {

// From a folder of transformers' Blip2QFormerModel, the weights under its names or LAVIS'.
// Text-branch weights are passed over. Throws Error(kData) naming what does not fit.
QFormer load_qformer(const std::filesystem::path& folder, const torch::TensorOptions& options);
void save_qformer(const std::filesystem::path& folder, QFormer& qformer);

Component qformer_component();

}  // namespace reasonbrain::models::qformer
