#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/model.h"
#include "cli/model_report.h"
#include "cli/output.h"
#include "cli/run_config.h"
#include "core/placement.h"
#include "core/str.h"
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

std::string inference_line(const reason::Pipeline& pipeline) {
  const reason::InferenceOptions& inference = pipeline.options().inference;
  return str("preset ", pipeline.options().preset, ", pictures of ",
             pipeline.options().denoiser.picture_side, " px, ", inference.steps,
             " steps, guidance ", inference.guidance, ", image guidance ", inference.image_guidance,
             ", regions ", inference.region_source, "\n");
}

nlohmann::json common_json(const reason::Pipeline& pipeline) {
  return {{"preset", pipeline.options().preset},
          {"picture_side", pipeline.options().denoiser.picture_side},
          {"parameters", report_json(report_model(pipeline))},
          {"inference", io::write_json_options(pipeline.options().inference)}};
}

void print_model(const InfoArgs& args) {
  const auto pipeline = reason::Pipeline::load(args.model, Placement{});
  pipeline->train_joint(/*seed=*/0);
  if (args.json) {
    nlohmann::json json = common_json(*pipeline);
    json["folder"] = reason::find_model_folder(args.model).string();
    json["sha256"] = pipeline->sha256();
    print_json(json);
    return;
  }
  std::cout << inference_line(*pipeline) << "sha256 " << pipeline->sha256() << '\n'
            << report_table(report_model(*pipeline));
}

// On the meta device: sizes without memory, whatever the model's size.
void print_config(const InfoArgs& args) {
  const RunConfig config = load_run_config(args.configs, args.overrides);
  Placement placement;
  placement.device = torch::kMeta;
  placement.dtype = parse_dtype(args.dtype, torch::kCPU);
  const auto pipeline =
      reason::Pipeline::create(config.model, placement, static_cast<uint64_t>(config.seed));
  pipeline->train_joint(static_cast<uint64_t>(config.seed));
  if (args.json) {
    print_json(common_json(*pipeline));
    return;
  }
  std::cout << inference_line(*pipeline) << report_table(report_model(*pipeline));
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
  command->add_option("--model", args->model, "Model folder, checkpoint or run folder");
  command
      ->add_option("--config", args->configs,
                   "YAML file, or a name in configs/, instead of --model; may be repeated, later "
                   "ones win")
      ->allow_extra_args(false);
  command->add_option("overrides", args->overrides,
                      "key=value, such as model.reason.width=704, with --config");
  command
      ->add_option("--dtype", args->dtype,
                   "float32, bfloat16 or float16: of weights, with --config")
      ->capture_default_str();
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer(
      "With --config nothing is allocated: also the largest preset takes seconds.\n"
      "examples:\n"
      "  reasonbrain model info --model models/mini\n"
      "  reasonbrain model info --config reasonbrain-7b --config ablation/t4-04");
  command->callback([args, &action] { action = [args] { print_info(*args); }; });
}

}  // namespace reasonbrain::cli
