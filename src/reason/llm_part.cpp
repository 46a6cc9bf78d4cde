#include "reason/llm_part.h"

#include <nlohmann/json.hpp>

#include "models/hf_folder.h"
#include "models/llama/folder.h"
#include "models/llava/folder.h"

namespace reasonbrain::reason {

LlmPart load_llm_part(const std::string& path, const nn::Build& build) {
  const nlohmann::json config = models::read_hf_config(path);
  if (!models::llava::is_original_config(config) &&
      config.value("model_type", nlohmann::json()) != "llava") {
    return {models::llama::load(path, build).model, {}};
  }
  models::llava::Llava llava =
      models::llava::load(path, build, models::llava::Tower::kLeaveOut).model;
  return {llava->language_model, nn::state_dict(*llava->multi_modal_projector)};
}

}  // namespace reasonbrain::reason
