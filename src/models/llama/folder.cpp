#include "models/llama/folder.h"

#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"
#include "models/lora.h"

namespace reasonbrain::models::llama {
namespace {

constexpr const char* kHead = "lm_head.weight";
constexpr const char* kTable = "model.embed_tokens.weight";

}  // namespace

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  const LlamaConfig config =
      parse_config(read_hf_config(folder), (folder / "config.json").string());
  const bool tied = config.tie_word_embeddings;
  Loaded out{Llama(config, build), {}};
  out.by_file_key = load_weights(*out.model, io::TensorStore(folder),
                                 [&](const std::string& key) -> std::optional<std::string> {
                                   if (ends_with(key, "rotary_emb.inv_freq"))
                                     return std::nullopt;  // a buffer of old versions
                                   return tied && key == kHead ? kTable : key;
                                 });
  if (tied) {
    out.by_file_key[kHead] = out.model->model->embed_tokens->weight;
    out.by_file_key[kTable] = out.model->model->embed_tokens->weight;
  }
  out.by_file_key.merge(load_adapter_beside(*out.model, folder));
  return out;
}

void save(const std::filesystem::path& folder, const Llama& model) {
  save_hf_folder(folder, to_hf_config(model->config()), base_state_dict(*model));
}

}  // namespace reasonbrain::models::llama
