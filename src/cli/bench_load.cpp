// `bench load`: weights of some gigabytes into a model, beside Python's safetensors library.
#include <ATen/Parallel.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/bench.h"
#include "cli/paths.h"
#include "core/log.h"
#include "core/str.h"
#include "io/json.h"
#include "models/component.h"
#include "models/llama/folder.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

struct LoadArgs {
  std::string python, script;
  int64_t gibibytes = 4, repeat = 3;
  bool json = false;
};

struct Loading {
  double seconds = 0;  // least wall time
  double rise = 0;     // bytes that the memory in use rose at most
};

double status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (starts_with(line, field + ":")) return 1024 * std::stod(line.substr(field.size() + 1));
  }
  throw runtime_error("no " + field + " in /proc/self/status");
}

// LLaMA's folder with a single file of about the size.
fs::path make_model(const fs::path& folder, int64_t gibibytes) {
  models::llama::LlamaConfig config;
  config.hidden_size = 2048;
  config.intermediate_size = 5504;
  config.num_attention_heads = 16;
  config.num_hidden_layers = 1;
  config.vocab_size = 1024;
  const auto bytes_of = [](const models::llama::LlamaConfig& c) {
    const int64_t layer =
        4 * c.hidden_size * c.hidden_size + 3 * c.hidden_size * c.intermediate_size;
    return 4 * c.num_hidden_layers * layer;
  };
  config.num_hidden_layers = ((gibibytes << 30) + bytes_of(config) - 1) / bytes_of(config);
  const models::llama::Llama model(config, nn::Build{});
  const torch::NoGradGuard no_grad;
  double value = 0;
  for (torch::Tensor& parameter : model->parameters()) parameter.fill_(value += 0.001);
  models::llama::save(folder, model);
  return folder;
}

Loading time_own(const fs::path& folder, int64_t repeat) {
  const auto& components = models::components();
  const auto llama = std::find_if(components.begin(), components.end(),
                                  [](const auto& c) { return c.name == "llama"; });
  Loading best{std::numeric_limits<double>::infinity(), 0};
  for (int64_t i = 0; i < repeat; ++i) {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
    const double before = status_bytes("VmRSS");
    std::unique_ptr<models::ComponentRunner> loaded;
    const Elapsed run =
        time_call([&] { loaded = llama->load(folder, torch::kCPU, torch::kFloat32); });
    best.seconds = std::min(best.seconds, run.wall);
    best.rise = std::max(best.rise, status_bytes("VmHWM") - before);
  }
  return best;
}

Loading time_python(const LoadArgs& args, const fs::path& file, const fs::path& out) {
  time_program({args.python, args.script, file.string(), "--repeat", std::to_string(args.repeat),
                "--out", out.string()});
  const nlohmann::json times = io::read_json(out);
  return {times.at("seconds"), times.at("rise")};
}

void bench_load(LoadArgs args) {
  if (args.script.empty()) args.script = (home_folder() / "bench" / "load.py").string();
  at::set_num_threads(1);
  const ScratchFolder scratch;
  log::info(str("writing ", args.gibibytes, " GiB under ", scratch.path().string()));
  const fs::path folder = make_model(scratch.path() / "llama", args.gibibytes);
  const fs::path file = folder / "model.safetensors";
  if (!fs::exists(file)) throw runtime_error("the weights are not a single file: ask for less");
  const auto bytes = static_cast<double>(fs::file_size(file));
  log::info("loading");
  const Loading own = time_own(folder, args.repeat);
  std::vector<std::string> columns = {"weights", "GB", "s", "GB per s", "memory over file"};
  std::vector<double> figures = {bytes / 1e9, own.seconds, bytes / 1e9 / own.seconds,
                                 own.rise / bytes};
  if (!args.python.empty()) {
    const Loading python = time_python(args, file, scratch.path() / "times.json");
    for (const char* name : {"Python s", "Python's over own", "Python's memory over file"})
      columns.push_back(name);
    for (const double figure : {python.seconds, python.seconds / own.seconds, python.rise / bytes})
      figures.push_back(figure);
  }
  BenchTable table(columns);
  table.add("llama, float32", figures);
  table.print(args.json);
}

}  // namespace

void add_bench_load(CLI::App& bench, Action& action) {
  CLI::App* command =
      bench.add_subcommand("load", "Weights of some gigabytes into a model: speed and memory");
  auto args = std::make_shared<LoadArgs>();
  command
      ->add_option(
          "--size", args->gibibytes,
          "GiB of weights; as much is written to the temporary folder, and taken of memory")
      ->check(CLI::Range(int64_t{1}, int64_t{4}))
      ->capture_default_str();
  command->add_option("--repeat", args->repeat, "Timed runs, of which the best counts")
      ->check(CLI::Range(int64_t{1}, int64_t{100}))
      ->capture_default_str();
  command->add_option("--python", args->python,
                      "Python with torch and safetensors, to time its library beside");
  command->add_option("--script", args->script,
                      "The Python side; default: bench/load.py beside configs/");
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer("example: reasonbrain bench load --size 1");
  command->callback([args, &action] { action = [args] { bench_load(*args); }; });
}

}  // namespace reasonbrain::cli
