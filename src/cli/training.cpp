#include "cli/training.h"

#include <iostream>

#include "cli/run_config.h"
#include "config/options.h"
#include "core/log.h"
#include "core/str.h"
#include "data/record_source.h"
#include "miniworld/miniworld_protocol.h"
#include "miniworld/world.h"
#include "reasonbrain/error.h"
#include "tasks/reasonbrain_task.h"

namespace reasonbrain::cli {
namespace {

tasks::TaskData open_data(const DataSection& data, int64_t picture_side) {
  tasks::TaskData out;
  if (data.source == DataSource::kRecords) {
    if (data.records.empty())
      throw config_error("data.source is records, but data.records names no file");
    out.train = std::make_shared<data::RecordSource>(data.records);
    if (!data.validation.records.empty())
      out.validation = std::make_shared<data::RecordSource>(data.validation.records);
    return out;
  }
  miniworld::MiniWorldOptions options;
  options.split = "train";
  options.count = data.miniworld.count;
  options.seed = data.miniworld.seed;
  options.size = picture_side;
  options.scenarios = data.miniworld.scenarios;
  out.train = std::make_shared<miniworld::MiniWorld>(options);
  options.split = data.validation.split;
  options.count = data.validation.count;
  options.seed = data.validation.seed;
  out.validation = std::make_shared<miniworld::MiniWorld>(options);
  out.protocol = std::make_shared<miniworld::MiniWorldProtocol>();
  return out;
}

}  // namespace

int run_training(const TrainArguments& arguments) {
  RunConfig config = load_run_config(arguments.configs, arguments.overrides);
  Placement placement;
  placement.device = parse_device(arguments.device);
  const auto seed = static_cast<uint64_t>(config.seed);
  std::vector<std::string> stages;
  for (const auto& stage : config.train.stages) stages.push_back(stage.name);
  if (stages.empty()) {
    config.train.stages.push_back({.name = "joint", .steps = config.train.steps});
    stages.emplace_back("joint");
  }
  const auto pipeline = config.init_from.empty()
                            ? reason::Pipeline::create(config.model, placement, seed)
                            : reason::Pipeline::load(config.init_from, placement);
  tasks::ReasonBrainTask task(pipeline, config.task,
                              open_data(config.data, config.model.denoiser.picture_side), stages,
                              seed);
  train::RunInfo run;
  run.folder = arguments.run_folder.empty() ? "runs/" + config.model.preset : arguments.run_folder;
  run.resolved_config = config::write_options(config);
  run.resume = arguments.resume;
  run.dry_run = arguments.dry_run;
  run.seed = seed;
  run.data_workers = config.data.workers;
  const train::TrainResult result = train::train(task, config.train, run);
  if (!result.report.empty()) std::cout << result.report;
  return 0;
}

}  // namespace reasonbrain::cli
