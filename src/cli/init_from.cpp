#include "cli/init_from.h"

#include <nlohmann/json.hpp>

#include "config/options.h"
#include "core/str.h"
#include "io/json.h"
#include "io/json_options.h"
#include "models/hf_folder.h"
#include "models/llava/config.h"
#include "reason/pipeline.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

// What is written of the model must be what the weights bring, or it would be passed over in
// silence.
void require_same_model(const RunConfig& config, const reason::PipelineOptions& own) {
  reason::PipelineOptions written = own;
  config::read_options(config.written_model, written);
  for (const config::OptionDifference& row : config::diff_options(own, written)) {
    if (ends_with(row.path, "initializer_range")) continue;  // of fresh weights; there are none
    throw config_error(str("model.", row.path, " is ", row.b, ", but the model of init_from, ",
                           config.init_from, ", has ", row.a,
                           "; leave the key out, or start without init_from"));
  }
}

// LLaMA, or the language half of LLaVA, whose original layout is LLaMA's with more fields.
models::llama::LlamaConfig parse_llm(nlohmann::json config, const std::string& origin) {
  if (models::llava::is_original_config(config)) {
    config["model_type"] = "llama";
  } else if (config.value("model_type", nlohmann::json()) == "llava") {
    return models::llava::parse_config(config, origin).text;
  }
  return models::llama::parse_config(config, origin);
}

template <class Parse>
auto read_part(const fs::path& folder, const Parse& parse) {
  return parse(models::read_hf_config(folder), (folder / "config.json").string());
}

nlohmann::json read_index(const fs::path& file) {
  nlohmann::json index = io::read_json(file);
  if (index.is_object() && index.value("_class_name", nlohmann::json()) == "ReasonBrain")
    return index;
  throw data_error(file.string() + ": _class_name is not \"ReasonBrain\"");
}

void read_parts(const fs::path& folder, const nlohmann::json& index,
                reason::PipelineOptions& options) {
  const auto part = [&](const std::string& name) {
    const nlohmann::json::json_pointer path("/parts/" + name + "/path");
    if (!index.contains(path) || !index[path].is_string())
      throw data_error(str(folder.string(), ": model_index.json has no path of part '", name, "'"));
    return folder / index[path].get<std::string>();
  };
  options.vision = read_part(part("vision"), models::clip::parse_vision_config);
  options.text = read_part(part("text"), models::clip::parse_text_config);
  options.llm = read_part(part("llm"), parse_llm);
  options.qformer.encoder_hidden_size = options.llm.hidden_size;
  if (options.denoiser.codec == reason::LatentCodec::kAutoencoderKl)
    options.vae = read_part(part("vae"), models::vae::vae_config_from_json);
  if (options.denoiser.backbone == reason::Backbone::kFlux) {
    options.flux = read_part(part("denoiser"), models::flux::flux_config_from_json);
  } else {
    options.unet = read_part(part("denoiser"), models::unet::unet_config_from_json);
  }
  if (options.flux_text.prompt_embeds)
    options.text_2 = read_part(part("text_2"), models::t5::parse_t5_config);
}

}  // namespace

reason::PipelineOptions read_model_options(const fs::path& given) {
  const fs::path folder = reason::find_model_folder(given);
  const nlohmann::json index = read_index(folder / "model_index.json");
  reason::PipelineOptions options;
  const fs::path own = folder / "reason" / "config.json";
  io::read_json_options(io::read_json(own), options, own.string());
  const fs::path scheduler = folder / "scheduler" / "scheduler_config.json";
  const nlohmann::json schedule = io::read_python_json(scheduler);
  options.scheduler = diffusion::SchedulerConfig::defaults_for(schedule);
  io::read_json_options(schedule, options.scheduler, scheduler.string(), {.ignore_unknown = true});
  read_parts(folder, index, options);
  options.tokenizers.llm = (folder / "llm").string();
  options.tokenizers.text = (folder / "text").string();
  options.tokenizers.text_2 = (folder / "text_2").string();
  return options;
}

void take_model(RunConfig& config, const reason::PipelineOptions& own) {
  require_same_model(config, own);
  const reason::PartsOptions parts = config.model.parts;
  config.model = own;
  config.model.parts = parts;
}

void take_model(RunConfig& config) {
  if (!config.init_from.empty()) take_model(config, read_model_options(config.init_from));
}

}  // namespace reasonbrain::cli
