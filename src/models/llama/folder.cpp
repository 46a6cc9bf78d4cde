#include "models/llama/folder.h"

#include <nlohmann/json.hpp>

#include "models/hf_folder.h"
#include "models/llama/key_map.h"

namespace reasonbrain::models::llama {
namespace {

constexpr const char* kHead = "lm_head.weight";
constexpr const char* kTable = "model.embed_tokens.weight";
constexpr const char* kOriginalHead = "output.weight";
constexpr const char* kOriginalTable = "tok_embeddings.weight";

}  // namespace

Loaded load(const std::filesystem::path& folder, const nn::Build& build) {
  LlamaConfig config = parse_config(read_hf_config(folder), (folder / "config.json").string());
  const io::TensorStore store(folder);
  if (differ(store, kTable, kHead) || differ(store, kOriginalTable, kOriginalHead))
    config.tie_word_embeddings = false;
  Loaded out{Llama(config, build), {}};
  out.by_file_key = load_weights(*out.model, store, key_table(config, store.keys()));
  if (config.tie_word_embeddings) {
    const bool original = out.by_file_key.contains(kOriginalTable);
    const torch::Tensor& table = out.model->model->embed_tokens->weight;
    out.by_file_key[original ? kOriginalHead : kHead] = table;
    out.by_file_key[original ? kOriginalTable : kTable] = table;
  }
  out.by_file_key.merge(FileParameters(load_adapter_beside(*out.model, folder)));
  return out;
}

void save(const std::filesystem::path& folder, const Llama& model) {
  save_hf_folder(folder, to_hf_config(model->config()), base_state_dict(*model));
}

nn::StateDict original_weights(const Llama& model) {
  nn::StateDict weights =
      to_file_layout(original_key_table(model->config()), base_state_dict(*model));
  if (model->config().tie_word_embeddings) weights[kOriginalHead] = weights.at(kOriginalTable);
  return weights;
}

}  // namespace reasonbrain::models::llama
