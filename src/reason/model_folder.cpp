// Saving and loading a model folder (the layout: docs/architecture.md).
#include <algorithm>

#include "core/atomic_file.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/sha256.h"
#include "core/str.h"
#include "io/json.h"
#include "io/json_options.h"
#include "io/path_safety.h"
#include "models/clip/folder.h"
#include "models/hf_folder.h"
#include "models/llama/folder.h"
#include "models/lora.h"
#include "models/lora_adapter.h"
#include "models/t5/folder.h"
#include "reason/llm_part.h"
#include "reason/own_weights.h"
#include "reason/pipeline.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::reason {
namespace {

namespace fs = std::filesystem;

constexpr int kFormatVersion = 1;

// What reason/config.json holds beside the folders of the parts.
struct OwnConfig {
  PipelineOptions& options;
  void describe(OptionVisitor& v) {
    v.field("preset", options.preset, {.help = "Name of the preset"});
    v.group("qformer", options.qformer, {.help = "QFormer"});
    v.field("image_mean", options.image_mean, {.help = "Mean of the image tower's normalisation"});
    v.field("image_std", options.image_std, {.help = "Standard deviation of it"});
    v.group("reason", options.reason, {.help = "ReasonBrain's own parts"});
    v.group("denoiser", options.denoiser,
            {.help = "How the denoiser is built around its backbone"});
    v.group("flux_text", options.flux_text, {.help = "What FLUX is told beside the context"});
    v.group("inference", options.inference, {.help = "Defaults of editing"});
  }
};

struct Part {
  const char* name;  // folder and key of the index
  PartMember options;
};

constexpr Part kParts[] = {
    {"vision", &PartsOptions::vision},     {"text", &PartsOptions::text},
    {"llm", &PartsOptions::llm},           {"vae", &PartsOptions::vae},
    {"denoiser", &PartsOptions::denoiser}, {"text_2", &PartsOptions::text_2}};

bool has_part(const PipelineOptions& options, const std::string& name) {
  if (name == "vae") return options.denoiser.codec == LatentCodec::kAutoencoderKl;
  return name != "text_2" || options.flux_text.prompt_embeds;
}

// The parts that Pipeline::adapted_part() knows.
bool has_adapter(const fs::path& folder, const std::string& name) {
  return (name == "llm" || name == "denoiser") &&
         fs::exists(folder / name / models::kAdapterFolder);
}

// sha256 over the sorted lines "name sha256-of-file" of a part's weight files.
std::string weights_sha256(const fs::path& folder) {
  std::string lines;
  for (const fs::path& file : io::TensorStore(folder).files()) {
    lines += file.filename().string() + " " + sha256_file(file) + "\n";
  }
  return sha256_hex(lines);
}

bool by_reference(const PartOptions& part) {
  return !part.path.empty() && (part.train == TrainMode::kFrozen || part.train == TrainMode::kLora);
}

// As diffusers reads it: what stands for "not given" here is left out there.
nlohmann::json scheduler_json(const diffusion::SchedulerConfig& config) {
  nlohmann::json out = io::write_json_options(config);
  const diffusion::SchedulerConfig standard;
  if (config.prediction_type == standard.prediction_type) out.erase("prediction_type");
  if (config.timestep_spacing == standard.timestep_spacing) out.erase("timestep_spacing");
  if (config.trained_betas.empty()) out.erase("trained_betas");
  if (config.lambda_min_clipped <= standard.lambda_min_clipped) out.erase("lambda_min_clipped");
  if (config.shift_terminal == 0) out.erase("shift_terminal");
  if (config.variance_type.empty()) out.erase("variance_type");
  if (config.sigma_min == 0) out.erase("sigma_min");
  if (config.sigma_max == 0) out.erase("sigma_max");
  return out;
}

struct FoundPart {
  std::string path;      // of its folder
  std::string sha256;    // "" when the index does not state it
  bool outside = false;  // of the model folder: saved again by reference
  bool frozen = false;
};

// model_index.json, with every type as it must be.
nlohmann::json read_index(const fs::path& folder) {
  const std::string origin = (folder / "model_index.json").string();
  nlohmann::json index = io::read_json(folder / "model_index.json");
  const auto require = [&](bool holds, const std::string& problem) {
    if (!holds) throw data_error(str(origin, ": ", problem));
  };
  require(
      index.is_object() && index.contains("_class_name") && index["_class_name"] == "ReasonBrain",
      "_class_name is not \"ReasonBrain\"");
  require(index.contains("format_version") && index["format_version"] == kFormatVersion,
          str("format_version is not ", kFormatVersion, "; use a matching release"));
  require(index.contains("parts") && index["parts"].is_object(), "\"parts\" is no object");
  for (const auto& [name, part] : index["parts"].items()) {
    require(part.is_object() && part.contains("path") && part["path"].is_string(),
            str("part '", name, "' has no \"path\""));
    require(!part.contains("sha256") || part["sha256"].is_string(),
            str("\"sha256\" of part '", name, "' is no text"));
    require(!part.contains("frozen") || part["frozen"].is_boolean(),
            str("\"frozen\" of part '", name, "' is neither true nor false"));
  }
  return index;
}

FoundPart find_part(const nlohmann::json& parts, const std::string& name, const fs::path& folder,
                    const std::string& origin) {
  const auto found = parts.find(name);
  if (found == parts.end()) throw data_error(str(origin, ": part '", name, "' is missing"));
  const std::string path = (*found)["path"];
  FoundPart part;
  part.sha256 = found->value("sha256", "");
  part.frozen = found->value("frozen", false);
  part.outside = fs::path(path).is_absolute() || path.find("..") != std::string::npos;
  fs::path resolved;
  if (part.outside) {
    if (!part.frozen || part.sha256.empty()) {
      throw data_error(
          str(origin, ": part '", name, "' has the path '", path,
              "', which leaves the model folder; only a frozen part with its sha256 may"));
    }
    resolved = fs::path(path).is_absolute() ? fs::path(path) : folder / path;
  } else {
    resolved = io::resolve_inside(folder, path, origin);
  }
  if (!fs::is_directory(resolved)) {
    throw data_error(
        str(origin, ": part '", name, "' is not there: no folder ", resolved.string()));
  }
  part.path = resolved.string();
  return part;
}

void require_stated_weights(const FoundPart& part, const std::string& name,
                            const std::string& origin) {
  if (part.sha256.empty()) return;
  const std::string got = weights_sha256(part.path);
  if (got == part.sha256) return;
  throw data_error(str(origin, ": the weights of part '", name, "' in ", part.path, " have sha256 ",
                       got, ", expected ", part.sha256,
                       "; they are not those the model was trained with"));
}

// All but the configurations of the parts and where they are.
PipelineOptions read_own_options(const fs::path& folder) {
  PipelineOptions options;
  const fs::path config = folder / "reason" / "config.json";
  OwnConfig own{options};
  io::read_json_options(io::read_json(config), own, config.string());
  const fs::path scheduler = folder / "scheduler" / "scheduler_config.json";
  const nlohmann::json schedule = io::read_python_json(scheduler);
  options.scheduler = diffusion::SchedulerConfig::defaults_for(schedule);
  io::read_json_options(schedule, options.scheduler, scheduler.string(), {.ignore_unknown = true});
  options.tokenizers.llm = (folder / "llm").string();
  options.tokenizers.text = (folder / "text").string();
  options.tokenizers.text_2 = (folder / "text_2").string();
  return options;
}

bool is_complete(const fs::path& checkpoint) {
  return fs::exists(checkpoint / "COMPLETE") &&
         fs::exists(checkpoint / "model" / "model_index.json");
}

// Of checkpoints/, by number: step-9 before step-10.
std::vector<fs::path> numbered_checkpoints(const fs::path& checkpoints) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    if (starts_with(entry.path().filename().string(), "step-")) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end(), [](const fs::path& a, const fs::path& b) {
    const std::string left = a.string(), right = b.string();
    return std::pair(left.size(), left) < std::pair(right.size(), right);
  });
  return out;
}

// "" when the checkpoint can be used, else why not.
std::string problem_of(const fs::path& checkpoint) {
  if (!is_complete(checkpoint)) return "it is incomplete";
  try {
    read_index(checkpoint / "model");
  } catch (const Error& problem) {
    return problem.what();
  }
  return "";
}

}  // namespace

fs::path find_model_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw data_error(str("no such folder: ", folder.string()));
  if (fs::exists(folder / "model_index.json")) return folder;
  if (fs::exists(folder / "model" / "model_index.json")) {
    if (!is_complete(folder))
      throw data_error(str(folder.string(), " is an incomplete checkpoint: it has no COMPLETE"));
    return folder / "model";
  }
  const fs::path checkpoints = folder / "checkpoints";
  if (fs::is_directory(checkpoints)) {
    if (is_complete(checkpoints / "best")) return checkpoints / "best" / "model";
    std::vector<fs::path> candidates = numbered_checkpoints(checkpoints);
    for (; !candidates.empty(); candidates.pop_back()) {
      const std::string problem = problem_of(candidates.back());
      if (problem.empty()) return candidates.back() / "model";
      log::warning(str(candidates.back().string(), " is passed over: ", problem));
    }
    throw data_error(str(folder.string(), " is a run folder without a complete checkpoint yet"));
  }
  throw data_error(
      str(folder.string(), " is no model folder (no model_index.json), checkpoint or run folder"));
}

PipelineOptions read_model_options(const fs::path& given) {
  const fs::path folder = find_model_folder(given);
  const std::string origin = (folder / "model_index.json").string();
  const nlohmann::json parts = read_index(folder).at("parts");
  PipelineOptions options = read_own_options(folder);
  const auto part_folder = [&](const std::string& name) {
    return fs::path(find_part(parts, name, folder, origin).path);
  };
  const auto read = [&](const std::string& name, const auto& parse) {
    const fs::path part = part_folder(name);
    return parse(models::read_hf_config(part), (part / "config.json").string());
  };
  options.vision = read("vision", models::clip::parse_vision_config);
  options.text = read("text", models::clip::parse_text_config);
  options.llm = read_llm_config(part_folder("llm"));
  options.qformer.encoder_hidden_size = options.llm.hidden_size;
  if (has_part(options, "vae")) options.vae = read("vae", models::vae::vae_config_from_json);
  if (options.denoiser.backbone == Backbone::kFlux) {
    options.flux = read("denoiser", models::flux::flux_config_from_json);
  } else {
    options.unet = read("denoiser", models::unet::unet_config_from_json);
  }
  if (has_part(options, "text_2")) options.text_2 = read("text_2", models::t5::parse_t5_config);
  return options;
}

void Pipeline::detach_paths(const std::vector<std::string>& names) {
  for (const Part& part : kParts) {
    if (std::find(names.begin(), names.end(), part.name) != names.end())
      (options_.parts.*part.options).path.clear();
  }
}

bool Pipeline::is_referenced(const std::string& name) const {
  if (models::is_lora_parameter(name)) return false;
  const PartMember part = part_of(name);
  return part != nullptr && by_reference(options_.parts.*part);
}

// Read once: what lies there later is not what was trained on.
const std::string& Pipeline::referenced_sha256(const std::string& path) {
  std::string& sha256 = referenced_sha256_[path];
  if (sha256.empty()) sha256 = weights_sha256(path);
  return sha256;
}

std::map<std::string, std::string> Pipeline::references() {
  std::map<std::string, std::string> out;
  for (const Part& part : kParts) {
    const PartOptions& options = options_.parts.*part.options;
    if (!has_part(options_, part.name) || !by_reference(options)) continue;
    throw_if_interrupted();
    if (!referenced_sha256_.contains(options.path))
      log::info(str("reading ", options.path, " for the sha256 of its weights"));
    out[str("weights of model.parts.", part.name)] = referenced_sha256(options.path);
  }
  return out;
}

void Pipeline::save(const fs::path& folder) {
  fs::create_directories(folder);
  nlohmann::json parts = nlohmann::json::object();
  for (const Part& part : kParts) {
    const PartOptions& options = options_.parts.*part.options;
    const std::string name = part.name;
    if (!has_part(options_, name)) continue;
    const bool reference = by_reference(options);
    const fs::path target = reference ? fs::absolute(options.path) : folder / name;
    if (!reference) {
      if (name == "vision") models::clip::save_vision(target, encoder->vision);
      if (name == "text") models::clip::save_text(target, encoder->text);
      if (name == "llm") models::llama::save(target, model->llm);
      if (name == "vae") denoiser_->save_codec(target);
      if (name == "denoiser") denoiser_->save_backbone(target);
      if (name == "text_2") models::t5::save(target, encoder->text_2);
    }
    torch::nn::Module* adapted = adapted_part(name);
    if (adapted != nullptr && !models::lora_adapter_of(*adapted).empty())
      models::save_peft_adapter(*adapted, folder / name / models::kAdapterFolder);
    parts[name] = {
        {"path", reference ? target.string() : name},
        {"frozen", reference || options.train == TrainMode::kFrozen},
        {"sha256", reference ? referenced_sha256(options.path) : weights_sha256(target)}};
  }
  text::copy_tokenizer_files(options_.tokenizers.llm, folder / "llm");
  text::copy_tokenizer_files(options_.tokenizers.text, folder / "text");
  if (has_part(options_, "text_2"))
    text::copy_tokenizer_files(options_.tokenizers.text_2, folder / "text_2");
  io::write_json(folder / "vision" / "preprocessor_config.json",
                 {{"image_mean", options_.image_mean},
                  {"image_std", options_.image_std},
                  {"size", {{"shortest_edge", options_.vision.image_size}}}});
  io::write_json(folder / "scheduler" / "scheduler_config.json",
                 scheduler_json(options_.scheduler));
  io::write_json(folder / "reason" / "config.json", io::write_json_options(OwnConfig{options_}));
  io::save_safetensors(folder / "reason" / "model.safetensors", own_weights(*model, *denoiser_));
  io::write_json(folder / "model_index.json", {{"_class_name", "ReasonBrain"},
                                               {"format_version", kFormatVersion},
                                               {"preset", options_.preset},
                                               {"parts", parts}});
}

std::shared_ptr<Pipeline> Pipeline::load(const fs::path& given, const Placement& placement) {
  const fs::path folder = find_model_folder(given);
  const std::string origin = (folder / "model_index.json").string();
  const nlohmann::json parts = read_index(folder).at("parts");
  PipelineOptions options = read_own_options(folder);
  // Inside the folder: a copy, not a reference, when saved again. Outside: only adapters are here.
  std::vector<const Part*> own_parts, outside_parts;
  std::map<std::string, std::string> outside_sha256;
  for (const Part& part : kParts) {
    if (!has_part(options, part.name)) continue;
    const FoundPart found = find_part(parts, part.name, folder, origin);
    require_stated_weights(found, part.name, origin);
    PartOptions& part_options = options.parts.*part.options;
    part_options.path = found.path;
    part_options.train = found.frozen ? TrainMode::kFrozen : TrainMode::kFull;
    if (has_adapter(folder, part.name)) part_options.train = TrainMode::kLora;
    (found.outside ? outside_parts : own_parts).push_back(&part);
    if (found.outside) outside_sha256[found.path] = found.sha256;
  }

  std::shared_ptr<Pipeline> pipeline(new Pipeline(options, placement));
  pipeline->referenced_sha256_ = std::move(outside_sha256);
  const fs::path weights = folder / "reason" / "model.safetensors";
  const io::TensorMap own_tensors = io::load_safetensors(weights);
  for (const auto& [name, tensor] : own_tensors) io::require_finite(tensor, name, weights.string());
  try {
    pipeline->build(/*seed=*/0, &own_tensors, weights.string());
  } catch (const Error& problem) {  // of options that came from the folder
    if (problem.kind() != ErrorKind::kConfig) throw;
    throw data_error(str(folder.string(), ": ", problem.what()));
  }
  for (const Part* part : outside_parts) {
    if (!has_adapter(folder, part->name)) continue;
    torch::nn::Module* adapted = pipeline->adapted_part(part->name);
    models::drop_lora(*adapted);  // one that stood beside the weights it started from
    models::load_peft_adapter(*adapted, folder / part->name / models::kAdapterFolder);
  }
  for (const Part* part : own_parts) (pipeline->options_.parts.*part->options).path.clear();
  std::string lines = str("settings ", models::settings_sha256(folder), "\n");
  for (const auto& [path, sha256] : pipeline->referenced_sha256_)
    lines += str("settings ", models::settings_sha256(path), "\n");
  for (const auto& [name, part] : parts.items())
    lines += name + " " + part.value("sha256", "") + "\n";
  for (const Part& part : kParts) {
    if (!has_adapter(folder, part.name)) continue;
    lines += str(part.name, " adapter ",
                 weights_sha256(folder / part.name / models::kAdapterFolder), "\n");
  }
  pipeline->sha256_ = sha256_hex(lines + "reason " + sha256_file(weights) + "\n");
  return pipeline;
}

}  // namespace reasonbrain::reason
