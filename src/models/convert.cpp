#include "models/convert.h"

#include <algorithm>

#include "core/str.h"
#include "models/clip/folder.h"
#include "models/clip/key_map.h"
#include "models/flux/key_map.h"
#include "models/flux/runner.h"
#include "models/hf_folder.h"
#include "models/llama/folder.h"
#include "models/llava/folder.h"
#include "models/qformer/key_map.h"
#include "models/qformer/runner.h"
#include "models/sam/runner.h"
#include "models/t5/runner.h"
#include "models/unet/key_map.h"
#include "models/unet/runner.h"
#include "models/vae/key_map.h"
#include "models/vae/runner.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {
namespace fs = std::filesystem;

// `save` is called with the folder and the model.
template <class Model, class Save>
ConvertibleModel convertible(Model model, Save save, LoraNames lora = {}) {
  return {model.ptr(), [model, save](const fs::path& folder) mutable { save(folder, model); },
          std::move(lora)};
}

LoraNames text_names(std::optional<KeyTable> original) {
  return {{"text_encoder."}, {"lora_te_", "lora_te1_"}, std::move(original)};
}

}  // namespace

const std::vector<ModelKind>& model_kinds() {
  static const std::vector<ModelKind> kKinds = {
      {"clip-vision",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(clip::load_vision(folder, build).model, clip::save_vision,
                            {{"image_encoder."}, {}, clip::original_vision_key_table()});
       }},
      {"clip-text",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(clip::load_text(folder, build).model, clip::save_text,
                            text_names(clip::original_text_key_table()));
       }},
      {"llama",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(llama::load(folder, build).model, llama::save,
                            {{"base_model.model."}, {}, {}});
       }},
      {"llava",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(llava::load(folder, build).model, llava::save,
                            {{"base_model.model."}, {}, {}});
       }},
      {"t5-encoder",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(t5::load_t5(folder, build), t5::save_t5,
                            {{"text_encoder_2."}, {"lora_te3_"}, {}});
       }},
      {"vae",
       [](const fs::path& folder, const nn::Build& build) {
         vae::AutoencoderKL model = vae::load_vae(folder, build.tensor);
         return convertible(model, vae::save_vae,
                            {{"vae."}, {}, vae::ldm_key_table(model->config())});
       }},
      {"unet",
       [](const fs::path& folder, const nn::Build& build) {
         unet::UNet model = unet::load_unet(folder, build.tensor);
         return convertible(model, unet::save_unet,
                            {{"unet.", "base_model.model."},
                             {"lora_unet_"},
                             unet::ldm_key_table(model->config())});
       }},
      {"flux",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(flux::load_flux(folder, build.tensor), flux::save_flux,
                            {{"transformer.", "diffusion_model.", "base_model.model."},
                             {"lora_unet_", "lora_transformer_"},
                             flux::original_key_table()});
       }},
      {"qformer",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(qformer::load_qformer(folder, build.tensor), qformer::save_qformer,
                            {{"qformer."}, {}, qformer::lavis_key_table()});
       }},
      {"sam",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible(sam::load_sam(folder, build.tensor), sam::save_sam);
       }},
  };
  return kKinds;
}

void save_original(const ConvertibleModel& model, const fs::path& folder) {
  if (!model.lora.original) {
    throw usage_error("there is no original layout that is written for this model");
  }
  model.save(folder);  // for its config.json
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (ends_with(name, ".safetensors") || ends_with(name, ".index.json")) {
      fs::remove(entry.path());
    }
  }
  io::save_safetensors(folder / "weights.safetensors",
                       to_file_layout(*model.lora.original, base_state_dict(*model.module)));
}

}  // namespace reasonbrain::models
