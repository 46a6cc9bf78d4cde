#include "models/unet/folder.h"

#include "models/hf_folder.h"
#include "models/lora.h"
#include "models/unet/key_map.h"

namespace reasonbrain::models::unet {

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const UNetConfig config =
      unet_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded out{UNet(config, build), {}};
  const io::TensorStore store(folder);
  out.by_file_key = load_weights(*out.model, store, key_table(config, store.keys()));
  out.by_file_key.merge(FileParameters(load_adapter_beside(*out.model, folder)));
  return out;
}

void save(const std::filesystem::path& folder, const UNet& model) {
  save_hf_folder(folder, unet_config_to_json(model->config()), base_state_dict(*model),
                 "diffusion_pytorch_model");
}

}  // namespace reasonbrain::models::unet
