#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/model.h"
#include "cli/model_report.h"
#include "cli/output.h"
#include "cli/training.h"
#include "core/interrupt.h"
#include "core/placement.h"
#include "edit/backend.h"
#include "edit/instruct_pix2pix.h"
#include "io/json_options.h"
#include "reason/pipeline.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

struct InfoArgs {
  std::string model;
  std::vector<std::string> configs, overrides;
  std::string dtype = "float32";
  bool json = false;
};

// What there is to say of a model, wherever it comes from.
struct Info {
  std::string preset;
  int64_t picture_side = 0;
  reason::InferenceOptions inference;
  ModelReport report;
  std::string folder, sha256;  // "" for a configuration
};

Info info_of(const reason::Pipeline& pipeline) {
  return {.preset = pipeline.options().preset,
          .picture_side = pipeline.options().denoiser.picture_side,
          .inference = pipeline.options().inference,
          .report = report_model(pipeline)};
}

void print(const Info& info, bool as_json) {
  throw_if_interrupted();  // loading takes a while
  const reason::InferenceOptions& inference = info.inference;
  if (as_json) {
    nlohmann::json json = {{"preset", info.preset},
                           {"picture_side", info.picture_side},
                           {"parameters", report_json(info.report)},
                           {"inference", io::write_json_options(inference)}};
    if (!info.folder.empty()) json["folder"] = info.folder;
    if (!info.sha256.empty()) json["sha256"] = info.sha256;
    print_json(json);
    return;
  }
  std::cout << "preset " << info.preset << ", pictures of " << info.picture_side << " px, "
            << inference.steps << " steps, guidance " << inference.guidance << ", image guidance "
            << inference.image_guidance << ", regions " << inference.region_source << '\n';
  if (!info.sha256.empty()) std::cout << "sha256 " << info.sha256 << '\n';
  std::cout << report_table(info.report);
}

void print_instruct_pix2pix(const InfoArgs& args) {
  const auto backend = edit::load_backend(args.model, Placement{});
  print({.preset = "instruct-pix2pix",
         .picture_side = backend->picture_side(),
         .inference = backend->defaults(),
         .report = report_instruct_pix2pix(args.model),
         .folder = args.model,
         .sha256 = backend->sha256()},
        args.json);
}

void print_model(const InfoArgs& args) {
  if (edit::InstructPix2Pix::is_folder(args.model)) return print_instruct_pix2pix(args);
  const auto pipeline = reason::Pipeline::load(args.model, Placement{});
  pipeline->train_joint(/*seed=*/0);
  Info info = info_of(*pipeline);
  info.folder = reason::find_model_folder(args.model).string();
  info.sha256 = pipeline->sha256();
  print(info, args.json);
}

// On the meta device: sizes without memory, whatever the model's size. One of init_from is loaded.
void print_config(const InfoArgs& args) {
  RunConfig config = load_run_config(args.configs, args.overrides);
  Placement placement;
  if (config.init_from.empty()) placement.device = torch::kMeta;
  placement.dtype = parse_dtype(args.dtype, torch::kCPU);
  const auto pipeline = open_pipeline(config, placement);
  pipeline->train_joint(static_cast<uint64_t>(config.seed));
  print(info_of(*pipeline), args.json);
}

void print_info(const InfoArgs& args) {
  if (args.model.empty() == args.configs.empty())
    throw usage_error("name a model with --model DIR, or a configuration with --config FILE");
  if (args.configs.empty() && !args.overrides.empty())
    throw usage_error("overrides such as " + args.overrides[0] + " go with --config");
  args.configs.empty() ? print_model(args) : print_config(args);
}

}  // namespace

void add_model_info(CLI::App& model, Action& action) {
  CLI::App* command = model.add_subcommand(
      "info", "Parts, parameters and defaults of a model or of a configuration");
  auto args = std::make_shared<InfoArgs>();
  command->add_option("--model", args->model,
                      "Model folder, checkpoint or run folder, or a diffusers folder of "
                      "InstructPix2Pix");
  CLI::Option* config =
      command
          ->add_option("--config", args->configs,
                       "YAML file, or a name in configs/, instead of --model; may be repeated, "
                       "later ones win")
          ->allow_extra_args(false);
  command->add_option("overrides", args->overrides,
                      "key=value, such as model.reason.width=704, with --config");
  command->add_option("--dtype", args->dtype, "Of the weights, with --config")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}))
      ->capture_default_str()
      ->needs(config);
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer(
      "With --config nothing is allocated: also the largest preset takes seconds.\n"
      "examples:\n"
      "  reasonbrain model info --model models/mini\n"
      "  reasonbrain model info --config reasonbrain-7b --config ablation/t4-04");
  command->callback([args, &action] { action = [args] { print_info(*args); }; });
}

}  // namespace reasonbrain::cli
