#include "reason/llm_part.h"

#include <nlohmann/json.hpp>

#include "models/hf_folder.h"
#include "models/llama/folder.h"
#include "models/llava/folder.h"

namespace reasonbrain::reason {
namespace {

bool is_hf_llava(const nlohmann::json& config) {
  return config.value("model_type", nlohmann::json()) == "llava";
}

}  // namespace

LlmPart load_llm_part(const std::filesystem::path& folder, const nn::Build& build) {
  const nlohmann::json config = models::read_hf_config(folder);
  if (!models::llava::is_original_config(config) && !is_hf_llava(config))
    return {models::llama::load(folder, build).model, {}};
  models::llava::Llava llava =
      models::llava::load(folder, build, models::llava::Tower::kLeaveOut).model;
  return {llava->language_model, nn::state_dict(*llava->multi_modal_projector)};
}

models::llama::LlamaConfig read_llm_config(const std::filesystem::path& folder) {
  nlohmann::json config = models::read_hf_config(folder);
  const std::string origin = (folder / "config.json").string();
  if (models::llava::is_original_config(config)) {
    config["model_type"] = "llama";  // whose fields these are, with more beside them
  } else if (is_hf_llava(config)) {
    return models::llava::parse_config(config, origin).text;
  }
  return models::llama::parse_config(config, origin);
}

}  // namespace reasonbrain::reason
