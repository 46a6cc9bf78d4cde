// CLIP towers from and to Hugging Face folders. Either tower is read from its own folder, with or
// without the prefix `vision_model.` / `text_model.`, or from a whole CLIPModel.
#pragma once

#include <filesystem>

#include "models/clip/text.h"
#include "models/clip/vision.h"
#include "models/key_map.h"

namespace reasonbrain::models::clip {

template <class Model>
struct Loaded {
  Model model{nullptr};
  FileParameters by_file_key;  // the model's parameters under the keys of the weight files
};

// Error(kData) when the folder is incomplete or its weights do not fit its configuration. A folder
// without {visual,text}_projection.weight gives a model without projection, and so does a Stable
// Diffusion checkpoint whose projection is not of the configuration's width.
Loaded<VisionModel> load_vision(const std::filesystem::path& folder, const nn::Build& build);
Loaded<TextModel> load_text(const std::filesystem::path& folder, const nn::Build& build);

void save_vision(const std::filesystem::path& folder, const VisionModel& model);
void save_text(const std::filesystem::path& folder, const TextModel& model);

}  // namespace reasonbrain::models::clip
