// Any known layout of a model's weights -> a folder of the reference library, or the original
// code's layout: what `reasonbrain model import` does.
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/lora_adapter.h"
#include "nn/module.h"

namespace reasonbrain::models {

// A model that was loaded to be written elsewhere.
struct ConvertibleModel {
  std::shared_ptr<torch::nn::Module> module;
  std::function<void(const std::filesystem::path& folder)> save;  // the reference library's layout
  LoraNames lora;  // lora.original: the original code's layout, where we write it
};

struct ModelKind {
  std::string name;  // as the components of `model run`, "vae" for both halves
  std::function<ConvertibleModel(const std::filesystem::path& folder, const nn::Build& build)> load;
};

const std::vector<ModelKind>& model_kinds();

// Writes FOLDER/config.json and FOLDER/weights.safetensors in the original code's layout.
// Error(kUsage) where there is none.
void save_original(const ConvertibleModel& model, const std::filesystem::path& folder);

}  // namespace reasonbrain::models
