#include "models/convert.h"

#include "core/str.h"
#include "models/clip/folder.h"
#include "models/clip/key_map.h"
#include "models/flux/folder.h"
#include "models/flux/key_map.h"
#include "models/hf_folder.h"
#include "models/llama/folder.h"
#include "models/llava/folder.h"
#include "models/qformer/folder.h"
#include "models/qformer/key_map.h"
#include "models/sam/folder.h"
#include "models/t5/folder.h"
#include "models/t5/key_map.h"
#include "models/unet/folder.h"
#include "models/unet/key_map.h"
#include "models/vae/folder.h"
#include "models/vae/key_map.h"

namespace reasonbrain::models {
namespace {
namespace fs = std::filesystem;

// Writes `weights` beside the config.json that is in the folder already, in place of its weights.
void replace_weights(const fs::path& folder, const nn::StateDict& weights) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (ends_with(name, ".safetensors") || ends_with(name, ".index.json")) {
      fs::remove(entry.path());
    }
  }
  io::save_safetensors(folder / "weights.safetensors", weights);
}

// `save` is called with the folder and the model, `original` with the model: it gives the weights
// in the original layout.
template <class Model, class Save, class Original>
ConvertibleModel with_original(Model model, Save save, Original original, LoraNames lora) {
  return {.module = model.ptr(),
          .save = [model, save](const fs::path& folder) { save(folder, model); },
          .save_original =
              [model, save, original](const fs::path& folder) {
                const nn::StateDict weights = original(model);
                save(folder, model);
                replace_weights(folder, weights);
              },
          .lora = std::move(lora)};
}

// The weights through a table, whose names adapter files may use too.
template <class Model, class Save>
ConvertibleModel convertible(Model model, Save save, const KeyTable& table, LoraNames lora) {
  const auto original = [table](const Model& own) {
    return to_file_layout(table, base_state_dict(*own));
  };
  return with_original(std::move(model), std::move(save), original, std::move(lora));
}

ConvertibleModel convertible_llava(const llava::Llava& model) {
  const auto rename = [model](auto names) {
    return [model, names](const std::string& key) { return names(model->config(), key); };
  };
  LoraNames lora = {.dotted = {"base_model.model."},
                    .own_key = rename(llava::own_key),
                    .file_key = rename(llava::adapter_key)};
  return {.module = model.ptr(),
          .save = [model](const fs::path& folder) { llava::save(folder, model); },
          .save_original = [model](const fs::path& folder) { llava::save_original(folder, model); },
          .lora = std::move(lora)};
}

}  // namespace

const std::vector<ModelKind>& model_kinds() {
  static const std::vector<ModelKind> kKinds = {
      {"clip-vision", "transformers, with or without prefix, in a whole CLIPModel",
       "OpenAI's and OpenCLIP's",
       [](const fs::path& folder, const nn::Build& build) {
         const KeyTable table = clip::original_vision_key_table();
         return convertible(clip::load_vision(folder, build).model, clip::save_vision, table,
                            {{"image_encoder."}, {}, table});
       }},
      {"clip-text", "transformers, with or without prefix, in a whole CLIPModel",
       "OpenAI's and OpenCLIP's, Stable Diffusion checkpoints",
       [](const fs::path& folder, const nn::Build& build) {
         const KeyTable table = clip::original_text_key_table();
         return convertible(clip::load_text(folder, build).model, clip::save_text, table,
                            {.dotted = {"text_encoder."},
                             .mangled = {"lora_te_", "lora_te1_"},
                             .original = table,
                             .own_key = [](const std::string& key) {  // transformers 5's names
                               return "text_model." + key;
                             }});
       }},
      {"llama", "transformers", "Meta's (wq, wk, ...), in one file",
       [](const fs::path& folder, const nn::Build& build) {
         return with_original(llama::load(folder, build).model, llama::save,
                              llama::original_weights, {.dotted = {"base_model.model."}});
       }},
      {"llava", "transformers, all key prefixes", "LlavaLlamaForCausalLM with projector and tower",
       [](const fs::path& folder, const nn::Build& build) {
         return convertible_llava(llava::load(folder, build).model);
       }},
      {"t5-encoder", "transformers, alone or in a whole T5",
       "the variables of Google's checkpoints",
       [](const fs::path& folder, const nn::Build& build) {
         t5::T5Encoder model = t5::load(folder, build).model;
         return convertible(model, t5::save, t5::original_key_table(model->config()),
                            {{"text_encoder_2."}, {"lora_te3_"}, {}});
       }},
      {"vae", "diffusers, old and new attention names",
       "latent diffusion's, alone or in a checkpoint; FLUX's ae.safetensors",
       [](const fs::path& folder, const nn::Build& build) {
         vae::AutoencoderKL model = vae::load(folder, build).model;
         const KeyTable table = vae::ldm_key_table(model->config());
         return convertible(model, vae::save, table, {{"vae."}, {}, table});
       }},
      {"unet", "diffusers", "latent diffusion's (input_blocks...), alone or in a checkpoint",
       [](const fs::path& folder, const nn::Build& build) {
         unet::UNet model = unet::load(folder, build).model;
         const KeyTable table = unet::ldm_key_table(model->config());
         return convertible(model, unet::save, table,
                            {{"unet.", "base_model.model."}, {"lora_unet_"}, table});
       }},
      {"flux", "diffusers", "Black Forest Labs' (double_blocks...)",
       [](const fs::path& folder, const nn::Build& build) {
         const KeyTable table = flux::original_key_table();
         return convertible(flux::load(folder, build).model, flux::save, table,
                            {{"transformer.", "diffusion_model.", "base_model.model."},
                             {"lora_unet_", "lora_transformer_"},
                             table,
                             /*kohya_is_original=*/true});
       }},
      {"qformer", "transformers", "LAVIS",
       [](const fs::path& folder, const nn::Build& build) {
         const KeyTable table = qformer::lavis_key_table();
         return convertible(qformer::load(folder, build).model, qformer::save, table,
                            {{"qformer."}, {}, table});
       }},
      {"sam", "transformers", "segment-anything (sam_vit_h_4b8939.pth ...)",
       [](const fs::path& folder, const nn::Build& build) {
         return with_original(sam::load(folder, build).model, sam::save, sam::original_weights, {});
       }},
  };
  return kKinds;
}

const ModelKind* find_model_kind(const std::string& name) {
  for (const ModelKind& kind : model_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace reasonbrain::models
