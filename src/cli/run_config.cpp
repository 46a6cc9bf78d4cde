#include "cli/run_config.h"

#include <algorithm>

#include "cli/paths.h"
#include "config/options.h"
#include "config/yaml.h"
#include "core/str.h"
#include "data/regions.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {

void MiniworldSection::describe(OptionVisitor& v) {
  v.field("count", count, {.help = "Samples of one epoch", .min = 1, .max = 1e9});
  v.field("seed", seed, {.help = "Seed of the world's pictures", .min = 0, .max = 1e15});
  v.field("scenarios", scenarios,
          {.help = "Scenarios to draw from, in turn; empty: the usual ones"});
}

void ValidationSection::describe(OptionVisitor& v) {
  v.field("count", count, {.help = "Mini-world samples to validate on", .min = 1, .max = 1e9});
  v.field("seed", seed, {.help = "Seed of their pictures", .min = 0, .max = 1e15});
  v.field("split", split, {.help = "Mini-world split to validate on"});
  v.field("records", records,
          {.help = "JSONL file of validation records, for source records; empty: no validation"});
}

void DataSection::describe(OptionVisitor& v) {
  v.choice("source", source, {"miniworld", "records"},
           {.help = "Where training samples come from"});
  v.field("records", records, {.help = "JSONL file, for source records"});
  loader.describe(v);
  v.group("miniworld", miniworld, {.help = "The mini world, for source miniworld"});
  v.group("validation", validation, {.help = "Validation samples"});
}

void RunConfig::describe(OptionVisitor& v) {
  v.field("seed", seed,
          {.help = "Seed of weights, data order, noise and dropout", .min = 0, .max = 1e15});
  v.field("init_from", init_from,
          {.help = "Model folder, checkpoint or run whose weights the model starts from; empty: "
                   "model.parts"});
  v.group("model", model, {.help = "What the model is built from"});
  v.group("data", data, {.help = "Samples"});
  v.group("task", task, {.help = "Losses and input mixes"});
  v.group("train", train, {.help = "Optimisation and bookkeeping"});
}

namespace {

// The preset that a configuration without a model is laid over.
config::Node load_standard_preset() {
  for (const std::filesystem::path& folder : config_folders()) {
    const std::filesystem::path file = folder / "mini.yaml";
    std::error_code absent;
    if (std::filesystem::is_regular_file(file, absent)) return config::load_file(file);
  }
  throw config_error(
      "the configuration has no section 'model', and the preset mini, which it would be laid over, "
      "is not there; write the section, or set REASONBRAIN_HOME to the folder that holds configs/");
}

bool says_nothing(const config::Node& node) {
  return node.kind == config::Node::Kind::kNull ||
         (node.kind == config::Node::Kind::kMapping && node.entries.empty());
}

config::Node load_tree(const std::vector<std::filesystem::path>& files,
                       const std::vector<std::string>& overrides) {
  config::Node tree = config::load_config(files);
  std::erase_if(tree.entries, [](const auto& entry) {
    return entry.key == "model" && says_nothing(entry.value);
  });
  config::Node whole = tree;
  for (const std::string& assignment : overrides) config::apply_override(whole, assignment);
  const config::Node* weights = whole.find("init_from");
  if (tree.find("model") != nullptr || (weights != nullptr && !weights->scalar.empty()))
    return whole;
  // All defaults together are a model of full size, which nobody asks for by an empty file.
  config::Node standard = load_standard_preset();
  config::merge(standard, tree);
  for (const std::string& assignment : overrides) config::apply_override(standard, assignment);
  return standard;
}

// `path` itself when it is empty or exists, else the first CONFIGS/path that exists, else `path`.
std::string find_resource(const std::string& path) {
  std::error_code error;
  if (path.empty() || std::filesystem::exists(path, error)) return path;
  for (const auto& folder : config_folders()) {
    if (std::filesystem::exists(folder / path, error)) return (folder / path).string();
  }
  return path;
}

// init_from itself when it is empty or exists, else the folder of that name beside CONFIGS.
std::string find_weights(const std::string& path) {
  std::error_code error;
  if (path.empty() || std::filesystem::exists(path, error)) return path;
  const std::filesystem::path beside = home_folder() / path;
  return std::filesystem::exists(beside, error) ? beside.string() : path;
}

config::Node written_model(const config::Node& tree) {
  const config::Node* model = tree.find("model");
  if (model == nullptr) return {.kind = config::Node::Kind::kMapping};
  config::Node out = *model;
  std::erase_if(out.entries, [](const auto& entry) {
    return entry.key == "parts" || entry.key == "tokenizers" || entry.key == "preset";
  });
  return out;
}

// A part's own check, whose complaints are about the configuration here.
template <class Check>
void check_section(const char* path, const Check& check) {
  try {
    check();
  } catch (const Error& problem) {
    throw config_error(str(path, ": ", problem.what()));
  }
}

}  // namespace

void check_model_options(const reason::PipelineOptions& model) {
  const reason::PartsOptions& parts = model.parts;
  model.reason.validate();
  model.scheduler.validate();
  model.qformer.validate();
  if (parts.vision.path.empty())
    check_section("model.vision", [&] { models::clip::check(model.vision, "CLIP options"); });
  if (parts.text.path.empty())
    check_section("model.text", [&] { models::clip::check(model.text, "CLIP options"); });
  if (parts.llm.path.empty())
    check_section("model.llm", [&] { models::llama::check(model.llm, "LLaMA options"); });
  if (model.flux_text.prompt_embeds && parts.text_2.path.empty())
    check_section("model.text_2", [&] {
      models::t5::parse_t5_config(models::t5::to_hf_config(model.text_2), "T5 options");
    });
  const bool flux = model.denoiser.backbone == reason::Backbone::kFlux;
  if (parts.denoiser.path.empty()) flux ? model.flux.validate() : model.unet.validate();
  if (parts.vae.path.empty() && model.denoiser.codec == reason::LatentCodec::kAutoencoderKl)
    model.vae.validate();
  const std::vector<std::string> sources = data::region_source_names();
  if (std::find(sources.begin(), sources.end(), model.inference.region_source) == sources.end()) {
    throw config_error(str("model.inference.region_source is '", model.inference.region_source,
                           "', expected one of: ", join(sources, ", ")));
  }
}

RunConfig load_run_config(const std::vector<std::string>& files,
                          const std::vector<std::string>& overrides) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& file : files)
    paths.push_back(config::find_config(file, config_folders()));
  RunConfig out;
  const config::Node tree = load_tree(paths, overrides);
  config::read_options(tree, out);
  out.init_from = find_weights(out.init_from);
  if (!out.init_from.empty()) out.written_model = written_model(tree);
  out.model.tokenizers.llm = find_resource(out.model.tokenizers.llm);
  out.model.tokenizers.text = find_resource(out.model.tokenizers.text);
  out.model.tokenizers.text_2 = find_resource(out.model.tokenizers.text_2);
  if (out.init_from.empty()) check_model_options(out.model);
  return out;
}

}  // namespace reasonbrain::cli
