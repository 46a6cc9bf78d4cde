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
  using Save = std::function<void(const std::filesystem::path& folder)>;

  std::shared_ptr<torch::nn::Module> module;
  Save save;           // the reference library's layout, see ModelKind
  Save save_original;  // the original code's; Error(kData) where that cannot hold the model
  LoraNames lora;
};

struct ModelKind {
  std::string name;  // as the components of `model run`, "vae" for both halves
  // Layouts that are read and written, in words. `reference` is written unless it cannot hold what
  // was read.
  std::string reference, original;
  std::function<ConvertibleModel(const std::filesystem::path& folder, const nn::Build& build)> load;
};

const std::vector<ModelKind>& model_kinds();

// nullptr when no model has this name.
const ModelKind* find_model_kind(const std::string& name);

}  // namespace reasonbrain::models
