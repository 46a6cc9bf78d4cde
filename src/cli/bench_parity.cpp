// `bench parity`: each component beside the Python class that it reproduces, on the same weights,
// inputs and number of threads.
#include <ATen/Parallel.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/bench.h"
#include "cli/paths.h"
#include "core/log.h"
#include "core/str.h"
#include "io/json.h"
#include "models/component.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

struct ParityArgs {
  std::string python, script;
  std::vector<std::string> components;
  int64_t threads = 1, repeat = 5, starts = 3;
  bool json = false;
};

// One thread: CPU time, which other programs hardly disturb. Several: what a user waits for.
double figure(const ParityArgs& args, const Elapsed& run) {
  return args.threads == 1 ? run.cpu : run.wall;
}

double best_of(const ParityArgs& args, int64_t times, const std::function<void()>& body) {
  body();  // the first is slow
  double best = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < times; ++i) best = std::min(best, figure(args, time_call(body)));
  return best;
}

struct Times {
  double forward = 0, both = 0;  // seconds; both: forward and backward
};

// The sum of the first floating point output, backward into parameters and features: what the
// script does too.
Times time_component(const ParityArgs& args, const models::Component& component,
                     const fs::path& folder) {
  const auto runner = component.load(folder, torch::kCPU, torch::kFloat32);
  models::Tensors inputs;
  for (const auto& [name, tensor] : io::load_safetensors(folder / "io" / "inputs.safetensors")) {
    inputs[name] =
        tensor.is_floating_point() ? tensor.to(torch::kFloat32) : tensor.to(torch::kInt64);
  }
  const std::string output = io::read_json(folder / "io" / "bench.json").at("output");
  std::vector<torch::Tensor> leaves;
  for (auto& [name, parameter] : runner->parameters()) {
    for (torch::Tensor& part : parameter.parts) leaves.push_back(part.set_requires_grad(true));
  }
  for (const models::Argument& argument : component.arguments) {
    const auto found = inputs.find(argument.name);
    if (found == inputs.end() || argument.kind != models::Argument::Kind::kFeature) continue;
    found->second = found->second.clone();
    leaves.push_back(found->second);
  }
  Times times;
  times.forward = best_of(args, args.repeat, [&] {
    const torch::NoGradGuard no_grad;
    runner->run(inputs);
  });
  for (torch::Tensor& leaf : leaves) leaf.set_requires_grad(true);
  times.both = best_of(args, args.repeat, [&] {
    for (torch::Tensor& leaf : leaves) leaf.mutable_grad() = torch::Tensor();
    runner->run(inputs).at(output).sum().backward();
  });
  return times;
}

std::vector<std::string> python_call(const ParityArgs& args, const std::string& mode,
                                     const std::string& component, const fs::path& folder) {
  return {args.python, args.script,
          mode,        component,
          "--folder",  folder.string(),
          "--threads", std::to_string(args.threads),
          "--repeat",  std::to_string(args.repeat)};
}

double start_of(const ParityArgs& args, const std::vector<std::string>& command) {
  double best = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < args.starts; ++i)
    best = std::min(best, figure(args, time_program(command)));
  return best;
}

void bench_parity(ParityArgs args) {
  if (args.script.empty()) args.script = (home_folder() / "bench" / "parity.py").string();
  if (!fs::exists(args.script))
    throw data_error(str("no such file: ", args.script, "; name the script with --script"));
  at::set_num_threads(static_cast<int>(args.threads));
  BenchTable table({"component", "forward ms", "Python forward ms", "forward ratio",
                    "with backward ms", "Python with backward ms", "with backward ratio", "start s",
                    "Python start s", "start ratio"});
  const ScratchFolder scratch;
  for (const models::Component& component : models::components()) {
    if (!args.components.empty() && std::find(args.components.begin(), args.components.end(),
                                              component.name) == args.components.end())
      continue;
    const fs::path folder = scratch.path() / component.name;
    time_program(python_call(args, "make", component.name, folder));
    if (!fs::exists(folder / "io" / "bench.json")) {
      log::warning(str(component.name, ": ", args.script, " has no case for it"));
      continue;
    }
    log::info(str("timing ", component.name));
    const Times own = time_component(args, component, folder);
    time_program(python_call(args, "time", component.name, folder));
    const nlohmann::json python = io::read_json(folder / "io" / "times.json");
    const double forward = python.at("forward"), both = python.at("both");
    const double python_start = start_of(args, python_call(args, "start", component.name, folder));
    std::vector<std::string> own_start = {"/proc/self/exe",
                                          "model",
                                          "run",
                                          component.name,
                                          "--weights",
                                          folder.string(),
                                          "--input",
                                          (folder / "io" / "inputs.safetensors").string(),
                                          "--output",
                                          (folder / "out.safetensors").string()};
    own_start[0] = fs::read_symlink("/proc/self/exe").string();
    const double start = start_of(args, own_start);
    table.add(component.name,
              {1e3 * own.forward, 1e3 * forward, own.forward / forward, 1e3 * own.both, 1e3 * both,
               own.both / both, start, python_start, start / python_start});
    fs::remove_all(folder);
  }
  table.print(args.json);
}

}  // namespace

void add_bench_parity(CLI::App& bench, Action& action) {
  CLI::App* command = bench.add_subcommand(
      "parity", "Times of each component against the Python reference, where there is one");
  auto args = std::make_shared<ParityArgs>();
  std::vector<std::string> names;
  for (const models::Component& component : models::components()) names.push_back(component.name);
  command
      ->add_option("--python", args->python,
                   "Python with torch, transformers, diffusers and safetensors")
      ->required();
  command->add_option("--component", args->components, "Only this one; may be repeated")
      ->check(CLI::IsMember(names))
      ->allow_extra_args(false);
  command->add_option("--threads", args->threads, "Of both; with one, CPU time is compared")
      ->check(CLI::Range(int64_t{1}, int64_t{1024}))
      ->capture_default_str();
  command->add_option("--repeat", args->repeat, "Timed runs of each, of which the best counts")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000}))
      ->capture_default_str();
  command->add_option("--starts", args->starts, "Timed starts of each, of which the best counts")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000}))
      ->capture_default_str();
  command->add_option("--script", args->script,
                      "The Python side; default: bench/parity.py beside configs/");
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer("example: reasonbrain bench parity --python python3 --component unet");
  command->callback([args, &action] { action = [args] { bench_parity(*args); }; });
}

}  // namespace reasonbrain::cli
