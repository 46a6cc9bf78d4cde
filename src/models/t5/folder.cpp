#include "models/t5/folder.h"

#include <nlohmann/json.hpp>

#include "models/hf_folder.h"
#include "models/t5/key_map.h"

namespace reasonbrain::models::t5 {

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const T5Config config =
      parse_t5_config(read_hf_config(folder), (folder / "config.json").string());
  Loaded out{T5Encoder(config, build), {}};
  const io::TensorStore store(folder);
  const bool two_tables = differ(store, "shared.weight", "encoder.embed_tokens.weight");
  out.by_file_key = load_weights(*out.model, store, key_table(config, store.keys(), two_tables));
  return out;
}

void save(const std::filesystem::path& folder, const T5Encoder& model) {
  save_hf_folder(folder, to_hf_config(model->config()), base_state_dict(*model));
}

}  // namespace reasonbrain::models::t5
