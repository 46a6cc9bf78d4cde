#include <iomanip>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/model.h"
#include "cli/output.h"
#include "core/placement.h"
#include "core/str.h"
#include "io/json_options.h"
#include "reason/pipeline.h"

namespace reasonbrain::cli {
namespace {

struct InfoArgs {
  std::string model;
  bool json = false;
};

// Parameters by part: the first two components of their names, such as "model.llm",
// "denoiser.unet".
std::map<std::string, int64_t> count_parameters(const torch::nn::Module& module) {
  std::map<std::string, int64_t> counts;
  for (const auto& item : module.named_parameters()) {
    const std::vector<std::string> names = split(item.key(), '.');
    const std::string part = names.size() > 2 ? names[0] + "." + names[1] : item.key();
    counts[part] += item.value().numel();
  }
  return counts;
}

void print_info(const InfoArgs& args) {
  const auto pipeline = reason::Pipeline::load(args.model, Placement{});
  const auto counts = count_parameters(*pipeline);
  int64_t total = 0;
  for (const auto& [part, count] : counts) total += count;
  if (args.json) {
    print_json({{"preset", pipeline->options().preset},
                {"folder", reason::find_model_folder(args.model).string()},
                {"sha256", pipeline->sha256()},
                {"picture_side", pipeline->processor().picture_side()},
                {"parameters", {{"total", total}, {"parts", counts}}},
                {"inference", io::write_json_options(pipeline->options().inference)}});
    return;
  }
  const reason::InferenceOptions& inference = pipeline->options().inference;
  std::cout << "preset " << pipeline->options().preset << ", pictures of "
            << pipeline->processor().picture_side() << " px, " << inference.steps
            << " steps, guidance " << inference.guidance << ", image guidance "
            << inference.image_guidance << ", regions " << inference.region_source << "\nsha256 "
            << pipeline->sha256() << "\nparameters:\n";
  for (const auto& [part, count] : counts)
    std::cout << std::setw(14) << count << "  " << part << '\n';
  std::cout << std::setw(14) << total << "  total\n";
}

}  // namespace

void add_model_info(CLI::App& model, Action& action) {
  CLI::App* command = model.add_subcommand("info", "Parts, parameters and defaults of a model");
  auto args = std::make_shared<InfoArgs>();
  command->add_option("--model", args->model, "Model folder, checkpoint or run folder")->required();
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer("example: reasonbrain model info --model models/mini");
  command->callback([args, &action] { action = [args] { print_info(*args); }; });
}

}  // namespace reasonbrain::cli
