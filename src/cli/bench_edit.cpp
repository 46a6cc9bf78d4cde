// `bench edit` and `bench batch`: this program, started as a user starts it.
#include "cli/bench.h"
#include "core/progress.h"
#include "io/resize.h"
#include "miniworld/world.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeed = 4711;  // of the pictures

struct EditBenchArgs {
  std::string model;
  int64_t repeat = 10, size = 256, count = 200;
  bool json = false;
};

// A mini-world scene of the wanted size; returns its instruction.
std::string draw_scene(const fs::path& file, int64_t size) {
  miniworld::MiniWorldOptions options;
  options.split = "val";
  options.seed = kSeed;
  options.count = 1;
  const data::Sample sample = miniworld::MiniWorld(options).get(0);
  const auto side = static_cast<int>(size);
  io::write_png(file, io::resize(sample.source, side, side, io::Filter::kBicubic));
  return sample.record.instruction;
}

std::vector<Elapsed> repeat_program(const std::vector<std::string>& arguments, int64_t times) {
  Progress progress("started", times, "times");
  std::vector<Elapsed> runs;
  for (int64_t i = 0; i < times; ++i) {
    runs.push_back(time_self(arguments));
    progress.add();
  }
  return runs;
}

void bench_edit(const EditBenchArgs& args) {
  const ScratchFolder scratch;
  const fs::path picture = scratch.path() / "scene.png";
  const std::string instruction = draw_scene(picture, args.size);
  BenchTable table({"command", "wall s, median", "wall s, least", "CPU s, least"});
  const auto add = [&](const std::string& name, const std::vector<std::string>& arguments) {
    const std::vector<Elapsed> runs = repeat_program(arguments, args.repeat);
    double wall = runs[0].wall;
    for (const Elapsed& run : runs) wall = std::min(wall, run.wall);
    table.add(name, {median(runs).wall, wall, least(runs).cpu});
  };
  add("--help", {"--help"});
  add("edit " + std::to_string(args.size) + " px",
      {"edit", "--model", args.model, "--image", picture.string(), "--instruction", instruction,
       "--out", (scratch.path() / "out.png").string()});
  table.print(args.json);
}

void bench_batch(const EditBenchArgs& args) {
  const ScratchFolder scratch;
  const std::string data = (scratch.path() / "data").string();
  time_self({"data", "miniworld", "--out", data, "--split", "val", "--count",
             std::to_string(args.count), "--seed", std::to_string(kSeed)});
  const auto edit = [&](const std::string& name) {
    return time_self({"edit", "--model", args.model, "--data", data + "/records.jsonl", "--out",
                      (scratch.path() / name).string()});
  };
  edit("warm-up");
  const Elapsed run = edit("pictures");
  const auto count = static_cast<double>(args.count);
  BenchTable table({"batch edit", "wall s", "CPU s", "pictures/s", "pictures per CPU s"});
  table.add(std::to_string(args.count) + " records",
            {run.wall, run.cpu, count / run.wall, count / run.cpu});
  table.print(args.json);
}

std::shared_ptr<EditBenchArgs> add_common(CLI::App& command) {
  auto args = std::make_shared<EditBenchArgs>();
  command.add_option("--model", args->model, "Model folder, checkpoint or run folder")->required();
  command.add_flag("--json", args->json, "Print one JSON object");
  return args;
}

}  // namespace

void add_bench_edit(CLI::App& bench, Action& action) {
  CLI::App* command =
      bench.add_subcommand("edit", "Time of --help and of one edit, from process start to end");
  const auto args = add_common(*command);
  command->add_option("--repeat", args->repeat, "Starts of each")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000}))
      ->capture_default_str();
  command->add_option("--size", args->size, "Side of the picture in pixels")
      ->check(CLI::Range(int64_t{16}, int64_t{4096}))
      ->capture_default_str();
  command->footer("example: reasonbrain bench edit --model models/mini");
  command->callback([args, &action] { action = [args] { bench_edit(*args); }; });
}

void add_bench_batch(CLI::App& bench, Action& action) {
  CLI::App* command = bench.add_subcommand(
      "batch", "Pictures per second of editing records, files read and written, start included");
  const auto args = add_common(*command);
  command->add_option("--count", args->count, "Records of the mini world")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->capture_default_str();
  command->footer("example: reasonbrain bench batch --model models/mini");
  command->callback([args, &action] { action = [args] { bench_batch(*args); }; });
}

}  // namespace reasonbrain::cli
