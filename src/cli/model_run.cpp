#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/model.h"
#include "cli/output.h"
#include "cli/validators.h"
#include "core/interrupt.h"
#include "core/placement.h"
#include "core/str.h"
#include "models/component.h"
#include "models/convert.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::cli {
namespace {

struct RunArgs {
  std::string component, weights, input, output;
  std::string device = "cpu", dtype = "float32";
};

std::vector<std::string> component_names() {
  std::vector<std::string> names;
  for (const models::Component& component : models::components()) names.push_back(component.name);
  return names;
}

// The parameters named in the metadata entry grad_params, comma separated.
std::vector<std::string> wanted_gradients(const io::SafetensorsFile& input) {
  std::vector<std::string> names;
  const auto found = input.metadata().find("grad_params");
  if (found == input.metadata().end()) return names;
  for (const std::string& part : split(found->second, ',')) {
    if (!trim(part).empty()) names.push_back(trim(part));
  }
  return names;
}

void run_model(const RunArgs& args) {
  require_name("--output", args.output);
  const models::Component* component = models::find_component(args.component);
  if (component == nullptr) {
    throw usage_error(str("unknown component '", args.component,
                          "', expected one of: ", join(component_names(), ", ")));
  }
  const NewFolders around_output(std::filesystem::path(args.output).parent_path());
  check_writable_file(args.output);
  const torch::Device device = parse_device(args.device);
  const io::SafetensorsFile input(args.input);
  models::Tensors inputs;
  for (const std::string& name : input.keys()) inputs[name] = input.tensor(name);
  const models::Tensors outputs =
      models::run_component(*component, args.weights, inputs, wanted_gradients(input), device,
                            parse_dtype(args.dtype, device));
  throw_if_interrupted();
  io::save_safetensors(args.output, outputs);
}

std::string arguments_text(const models::Component& component) {
  std::string text;
  for (const models::Argument& argument : component.arguments) {
    text += (text.empty() ? "" : ", ") + argument.name + (argument.required ? "" : "?");
  }
  return text;
}

nlohmann::json models_json() {
  nlohmann::json out = nlohmann::json::array();
  for (const models::ModelKind& kind : models::model_kinds()) {
    out.push_back({{"name", kind.name}, {"folder", kind.reference}, {"original", kind.original}});
  }
  return out;
}

void list_components(bool json) {
  if (json) {
    nlohmann::json out = nlohmann::json::array();
    for (const models::Component& component : models::components()) {
      nlohmann::json arguments = nlohmann::json::array();
      for (const models::Argument& argument : component.arguments) {
        arguments.push_back({{"name", argument.name}, {"required", argument.required}});
      }
      out.push_back({{"name", component.name},
                     {"reference", component.reference_class},
                     {"arguments", arguments}});
    }
    print_json({{"components", out}, {"models", models_json()}});
    return;
  }
  for (const models::Component& component : models::components()) {
    std::cout << component.name << ": " << component.reference_class << "; "
              << arguments_text(component) << '\n';
  }
  std::cout << "layouts that `model import` reads and writes:\n";
  for (const models::ModelKind& kind : models::model_kinds()) {
    std::cout << kind.name << ": folder: " << kind.reference << "; original: " << kind.original
              << '\n';
  }
}

}  // namespace

void add_model_run(CLI::App& model, Action& action) {
  CLI::App* command = model.add_subcommand(
      "run", "Run one component on given tensors, with gradients where asked for");
  auto args = std::make_shared<RunArgs>();
  command->add_option("component", args->component, "One of: " + join(component_names(), ", "))
      ->required();
  command
      ->add_option("--weights", args->weights,
                   "Folder in the reference library's layout, with config.json")
      ->required();
  command
      ->add_option("--input", args->input,
                   "Safetensors file: arguments by name, cotangent.OUTPUT for gradients")
      ->required();
  command->add_option("--output", args->output, "Safetensors file for the outputs and grad.*")
      ->required();
  add_device_and_dtype(*command, args->device, args->dtype);
  command->footer(
      "example: reasonbrain model run llama --weights llama/ --input in.safetensors --output "
      "out.safetensors");
  command->callback([args, &action] { action = [args] { run_model(*args); }; });
}

void add_model_list(CLI::App& model, Action& action) {
  CLI::App* command = model.add_subcommand(
      "list", "Components of `model run` with their arguments, layouts of `model import`");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print one JSON object");
  command->callback([json, &action] { action = [json] { list_components(*json); }; });
}

}  // namespace reasonbrain::cli
