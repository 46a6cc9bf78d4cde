#include "models/flux/folder.h"

#include "models/flux/key_map.h"
#include "models/hf_folder.h"
#include "models/lora.h"

namespace reasonbrain::models::flux {

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const FluxConfig config =
      flux_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded out{Flux(config, build), {}};
  const io::TensorStore store(folder);
  out.by_file_key = load_weights(*out.model, store, key_table(store.keys()));
  out.by_file_key.merge(FileParameters(load_adapter_beside(*out.model, folder)));
  return out;
}

void save(const std::filesystem::path& folder, const Flux& model) {
  save_hf_folder(folder, flux_config_to_json(model->config()), base_state_dict(*model),
                 "diffusion_pytorch_model");
}

}  // namespace reasonbrain::models::flux
