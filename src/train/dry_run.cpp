#include "train/dry_run.h"

#include <chrono>
#include <iomanip>
#include <sstream>

#include "core/rng.h"
#include "core/str.h"
#include "nn/module.h"
#include "train/step.h"
#include "train/step_feed.h"

namespace reasonbrain::train {
namespace {

constexpr double kMebibyte = 1 << 20;

std::string mebibytes(int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / kMebibyte << " MiB";
  return out.str();
}

int64_t num_bytes(const torch::Tensor& tensor) {
  return tensor.numel() * static_cast<int64_t>(tensor.element_size());
}

std::string parameter_table(const torch::nn::Module& module) {
  std::ostringstream out;
  const auto row = [&out](const std::string& name, const nn::ParameterCount& count) {
    out << "  " << std::left << std::setw(24) << name << std::right << std::setw(14) << count.total
        << std::setw(14) << count.trainable << std::setw(14) << count.total - count.trainable
        << "\n";
  };
  out << "  " << std::left << std::setw(24) << "part" << std::right << std::setw(14) << "parameters"
      << std::setw(14) << "trainable" << std::setw(14) << "frozen\n";
  for (const auto& child : module.named_children()) {
    row(child.key(), nn::count_parameters(*child.value()));
  }
  row("all", nn::count_parameters(module));
  return out.str();
}

std::string memory_plan(const torch::nn::Module& module, const optim::AdamW& optimizer,
                        const Stage& stage) {
  int64_t weights = 0, gradients = 0, moments = 0, averages = 0;
  for (const torch::Tensor& parameter : module.parameters()) weights += num_bytes(parameter);
  for (const auto& entry : optimizer.parameters()) {
    gradients += num_bytes(entry.second);
    if (stage.settings.ema_decay > 0) {
      averages += entry.second.numel() * static_cast<int64_t>(sizeof(float));
    }
  }
  for (const auto& entry : optimizer.state()) moments += num_bytes(entry.second);
  return str("  memory: weights ", mebibytes(weights), ", gradients ", mebibytes(gradients),
             ", optimizer ", mebibytes(moments), ", EMA ", mebibytes(averages), "; in all ",
             mebibytes(weights + gradients + moments + averages), " and the activations\n");
}

}  // namespace

TrainResult dry_run(Task& task, const TrainOptions& options, const RunInfo& run,
                    const StagePlan& plan) {
  TrainResult result;
  for (const Stage& stage : plan) {
    task.begin_stage(stage.name);
    optim::AdamW optimizer = make_optimizer(task, stage, options);
    result.report +=
        str("stage ", stage.name, ": ", stage.steps, " steps of ", stage.samples_per_step(),
            " samples (batch ", stage.settings.batch_size, " x ", stage.settings.accumulate, ")\n",
            parameter_table(task.module()), memory_plan(task.module(), optimizer, stage));
    const auto start = std::chrono::steady_clock::now();
    StepFeed feed(task, stage, run.seed, /*first_step=*/0, run, /*one_batch=*/true);
    const MicroBatches& batches = feed.next();
    task.module().train();
    const StepResult step = run_step(task, optimizer, batches, stage, {run.seed, 0}, [&] {
      return str("the dry run of stage '", stage.name, "'");
    });
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.report += str("  one step: loss ", step.loss, ", gradient norm ", step.grad_norm, ", ",
                         std::setprecision(3), seconds, " s (the first is slow)\n");
    result.loss = step.loss;
    ++result.steps;
  }
  return result;
}

}  // namespace reasonbrain::train
