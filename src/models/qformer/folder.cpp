#include "models/qformer/folder.h"

#include "models/hf_folder.h"
#include "models/qformer/key_map.h"

namespace reasonbrain::models::qformer {

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const QFormerConfig config =
      qformer_config_from_json(read_hf_config(folder), (folder / "config.json").string());
  Loaded out{QFormer(config, build), {}};
  const io::TensorStore store(folder);
  out.by_file_key = load_weights(*out.model, store, key_table(store.keys()));
  return out;
}

void save(const std::filesystem::path& folder, const QFormer& model) {
  save_hf_folder(folder, qformer_config_to_json(model->config()), base_state_dict(*model));
}

}  // namespace reasonbrain::models::qformer
