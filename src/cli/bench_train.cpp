// `bench train`: optimiser steps of every stage, without evaluation, logging and checkpoints.
#include <ATen/Parallel.h>

#include "cli/bench.h"
#include "cli/run_config.h"
#include "cli/training.h"
#include "core/progress.h"
#include "train/stage_plan.h"
#include "train/step.h"
#include "train/step_feed.h"

namespace reasonbrain::cli {
namespace {

struct TrainBenchArgs {
  std::vector<std::string> configs, overrides;
  int64_t steps = 20, warm_up = 3;
  std::string device = "auto";
  bool json = false;
};

void bench_train(const TrainBenchArgs& args) {
  RunConfig config = load_run_config(args.configs, args.overrides);
  if (config.train.threads > 0) at::set_num_threads(static_cast<int>(config.train.threads));
  Placement placement;
  placement.device = parse_device(args.device);
  const std::unique_ptr<train::Task> task = make_task(config, placement);
  const train::StagePlan plan = train::resolve_stages(config.train, task->stages());
  train::RunInfo run;
  run.seed = static_cast<uint64_t>(config.seed);
  run.data_workers = config.data.loader.workers;
  run.data_prefetch = config.data.loader.prefetch;

  BenchTable table({"stage", "samples a step", "s a step", "samples/s", "samples per CPU s"});
  Progress progress("timed", static_cast<int64_t>(plan.size()) * args.steps, "steps");
  for (const train::Stage& stage : plan) {
    task->begin_stage(stage.name);
    optim::AdamW optimizer = train::make_optimizer(*task, stage, config.train);
    train::StepFeed feed(*task, stage, run.seed, /*first_step=*/0, run, /*one_batch=*/false);
    task->module().train();
    const auto step = [&](int64_t number) {
      train::run_step(*task, optimizer, feed.next(), stage, {run.seed, number},
                      [&] { return "the benchmark of stage " + stage.name; });
    };
    for (int64_t i = 0; i < args.warm_up; ++i) step(i);
    const Elapsed elapsed = time_call([&] {
      for (int64_t i = 0; i < args.steps; ++i) {
        step(args.warm_up + i);
        progress.add();
      }
    });
    const auto steps = static_cast<double>(args.steps);
    const auto samples = static_cast<double>(stage.samples_per_step());
    table.add(stage.name, {samples, elapsed.wall / steps, samples * steps / elapsed.wall,
                           samples * steps / elapsed.cpu});
  }
  progress.finish();
  table.print(args.json);
}

}  // namespace

void add_bench_train(CLI::App& bench, Action& action) {
  CLI::App* command = bench.add_subcommand("train", "Training samples per second of each stage");
  auto args = std::make_shared<TrainBenchArgs>();
  command
      ->add_option("--config", args->configs,
                   "YAML file, or a name in configs/; may be repeated, later ones win")
      ->required()
      ->allow_extra_args(false);
  command->add_option("overrides", args->overrides, "key=value, such as train.batch_size=16");
  command->add_option("--steps", args->steps, "Optimiser steps that are timed, in each stage")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->capture_default_str();
  command->add_option("--warm-up", args->warm_up, "Steps before them")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000}))
      ->capture_default_str();
  command->add_option("--device", args->device, "auto, cpu, cuda or cuda:INDEX")
      ->capture_default_str();
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer("example: reasonbrain bench train --config mini train.threads=1");
  command->callback([args, &action] { action = [args] { bench_train(*args); }; });
}

}  // namespace reasonbrain::cli
