#include "models/vae/folder.h"

#include "models/hf_folder.h"
#include "models/vae/key_map.h"

namespace reasonbrain::models::vae {

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const VaeConfig config =
      vae_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded out{AutoencoderKL(config, build), {}};
  const io::TensorStore store(folder);
  out.by_file_key = load_weights(*out.model, store, key_table(config, store.keys()));
  return out;
}

void save(const std::filesystem::path& folder, const AutoencoderKL& model) {
  save_hf_folder(folder, vae_config_to_json(model->config()), base_state_dict(*model),
                 "diffusion_pytorch_model");
}

}  // namespace reasonbrain::models::vae
