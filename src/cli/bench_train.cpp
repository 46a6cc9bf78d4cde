// `bench train`: optimiser steps of every stage, without evaluation, logging and checkpoints.
#include <ATen/Parallel.h>

#include <cmath>

#include "cli/bench.h"
#include "cli/bench_twin.h"
#include "cli/run_config.h"
#include "cli/training.h"
#include "cli/validators.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/str.h"
#include "optim/ema.h"
#include "train/stage_plan.h"
#include "train/step.h"
#include "train/step_feed.h"

namespace reasonbrain::cli {
namespace {

constexpr double kSameLoss = 1e-3;  // relative: more, and the twin is none

struct TrainBenchArgs {
  std::vector<std::string> configs, overrides;
  int64_t steps = 20, warm_up = 3, rounds = 3;
  std::string device = "auto";
  TwinProgram twin;  // no `python`: without it
  bool json = false;
};

// One stage's optimiser, moving average and data.
class StageBench {
 public:
  StageBench(train::Task& task, const train::Stage& stage, const RunConfig& config)
      : task_(task), stage_(stage), config_(config) {
    run_.seed = static_cast<uint64_t>(config.seed);
    run_.data_workers = config.data.loader.workers;
    run_.data_prefetch = config.data.loader.prefetch;
    task.begin_stage(stage.name);
    optimizer_ = std::make_unique<optim::AdamW>(train::make_optimizer(task, stage, config.train));
    if (stage.settings.ema_decay > 0)
      ema_ = std::make_unique<optim::Ema>(optimizer_->parameters(), stage.settings.ema_decay);
    task.module().train();
  }

  // Samples a step, seconds a step, samples a second, samples a CPU second; data are made beside.
  std::vector<double> throughput(int64_t warm_up, int64_t steps, Progress& progress) {
    train::StepFeed feed(task_, stage_, run_.seed, /*first_step=*/0, run_, /*one_batch=*/false);
    for (int64_t i = 0; i < warm_up; ++i) step(feed.next());
    const Elapsed elapsed = time_call([&] {
      for (int64_t i = 0; i < steps; ++i) {
        step(feed.next());
        progress.add();
      }
    });
    const auto samples = static_cast<double>(stage_.samples_per_step() * steps);
    return {static_cast<double>(stage_.samples_per_step()),
            elapsed.wall / static_cast<double>(steps), samples / elapsed.wall,
            samples / elapsed.cpu};
  }

  // CPU seconds of a step on a batch that is there, of the Python twin's, and the twin's over the
  // own: medians over rounds in which both take turns.
  std::vector<double> beside_twin(const TrainBenchArgs& args) {
    train::StepFeed feed(task_, stage_, run_.seed, /*first_step=*/0, run_, /*one_batch=*/true);
    const train::MicroBatches& batches = feed.next();
    TrainTwin twin(args.twin, task_, stage_, config_, batches);
    std::vector<Elapsed> own, python, ratios;
    for (int64_t round = 0; round < args.rounds; ++round) {
      log::info(str("stage ", stage_.name, " beside Python, round ", round + 1));
      python.push_back(twin.time_step(args.warm_up, args.steps));
      const double loss = step(batches);
      if (round == 0 && std::abs(loss - twin.loss()) > kSameLoss * std::abs(loss)) {
        log::warning(str("stage ", stage_.name, ": the loss is ", loss, ", the Python twin's ",
                         twin.loss(), ": it does not compute the same step"));
      }
      for (int64_t i = 1; i < args.warm_up; ++i) step(batches);
      std::vector<Elapsed> steps;
      for (int64_t i = 0; i < args.steps; ++i) steps.push_back(time_call([&] { step(batches); }));
      own.push_back(median(steps));
      ratios.push_back({python.back().wall / own.back().wall, python.back().cpu / own.back().cpu});
    }
    return {median(own).cpu, median(python).cpu, median(ratios).cpu};
  }

 private:
  double step(const train::MicroBatches& batches) {
    const train::StepResult result =
        train::run_step(task_, *optimizer_, batches, stage_, {run_.seed, next_step_},
                        [&] { return "the benchmark of stage " + stage_.name; });
    if (ema_) ema_->update(next_step_);
    ++next_step_;
    return result.loss;
  }

  train::Task& task_;
  const train::Stage& stage_;
  const RunConfig& config_;
  train::RunInfo run_;
  std::unique_ptr<optim::AdamW> optimizer_;
  std::unique_ptr<optim::Ema> ema_;
  int64_t next_step_ = 0;
};

void bench_train(const TrainBenchArgs& args) {
  RunConfig config = load_run_config(args.configs, args.overrides);
  if (config.train.threads > 0) at::set_num_threads(static_cast<int>(config.train.threads));
  Placement placement;
  placement.device = parse_device(args.device);
  const std::unique_ptr<train::Task> task = make_task(config, placement);
  const train::StagePlan plan = train::resolve_stages(config.train, task->stages());

  std::vector<std::string> columns = {"stage", "samples a step", "s a step", "samples/s",
                                      "samples per CPU s"};
  const bool with_twin = !args.twin.python.empty();
  if (with_twin) {
    columns.insert(columns.end(),
                   {"CPU s of a step alone", "CPU s of Python's step", "Python's over own"});
  }
  BenchTable table(columns);
  Progress progress("timed", static_cast<int64_t>(plan.size()) * args.steps, "steps");
  for (const train::Stage& stage : plan) {
    StageBench bench(*task, stage, config);
    std::vector<double> figures = bench.throughput(args.warm_up, args.steps, progress);
    if (with_twin) {
      const std::vector<double> beside = bench.beside_twin(args);
      figures.insert(figures.end(), beside.begin(), beside.end());
    }
    table.add(stage.name, figures);
  }
  progress.finish();
  table.print(args.json);
}

}  // namespace

void add_bench_train(CLI::App& bench, Action& action) {
  CLI::App* command = bench.add_subcommand("train", "Training samples per second of each stage");
  auto args = std::make_shared<TrainBenchArgs>();
  add_config_files(*command, args->configs, args->overrides);
  command->add_option("--steps", args->steps, "Optimiser steps that are timed, in each stage")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->capture_default_str();
  command->add_option("--warm-up", args->warm_up, "Steps before them")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000}))
      ->capture_default_str();
  add_device(*command, args->device);
  CLI::Option* python = command->add_option(
      "--python", args->twin.python,
      "Python with torch, transformers, diffusers and safetensors: times a twin of each step too");
  command
      ->add_option("--rounds", args->rounds,
                   "Turns of both, each of --warm-up and --steps; medians over them count")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000}))
      ->needs(python)
      ->capture_default_str();
  command
      ->add_option("--script", args->twin.script,
                   "The Python side; default: bench/train_twin.py beside configs/")
      ->needs(python);
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer(
      "example: reasonbrain bench train --config mini train.threads=1\n"
      "         reasonbrain bench train --config mini --python python3 train.threads=1");
  command->callback([args, &action] { action = [args] { bench_train(*args); }; });
}

}  // namespace reasonbrain::cli
