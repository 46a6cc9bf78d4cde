#include "cli/training.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/init_from.h"
#include "cli/libraries.h"
#include "cli/memory_plan.h"
#include "cli/run_config.h"
#include "cli/version.h"
#include "config/options.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/str.h"
#include "data/record_source.h"
#include "miniworld/miniworld_protocol.h"
#include "miniworld/world.h"
#include "reasonbrain/error.h"
#include "tasks/reasonbrain_task.h"
#include "train/stage_plan.h"

namespace reasonbrain::cli {
namespace {

// What the command line would call wrong use is a mistake of the configuration here.
std::shared_ptr<miniworld::MiniWorld> open_miniworld(const miniworld::MiniWorldOptions& options) {
  try {
    return std::make_shared<miniworld::MiniWorld>(options);
  } catch (const Error& problem) {
    throw config_error(str("data: ", problem.what()));
  }
}

tasks::TaskData open_worlds(const DataSection& data, int64_t picture_side) {
  tasks::TaskData out;
  miniworld::MiniWorldOptions options;
  options.split = "train";
  options.count = data.miniworld.count;
  options.seed = data.miniworld.seed;
  options.size = picture_side;
  options.scenarios = data.miniworld.scenarios;
  out.train = open_miniworld(options);
  options.split = data.validation.split;
  options.count = data.validation.count;
  options.seed = data.validation.seed;
  out.validation = open_miniworld(options);
  out.protocol = std::make_shared<miniworld::MiniWorldProtocol>();
  return out;
}

std::shared_ptr<data::RecordSource> open_records(const std::string& file) {
  auto records = std::make_shared<data::RecordSource>(file);
  records->require_pictures();
  return records;
}

tasks::TaskData open_data(const DataSection& data, int64_t picture_side) {
  if (data.source == DataSource::kMiniworld) return open_worlds(data, picture_side);
  tasks::TaskData out;
  out.train = open_records(data.records);
  if (!data.validation.records.empty()) out.validation = open_records(data.validation.records);
  return out;
}

// Before the first step: what a batch would stumble over hours later.
void check_records(const data::SampleSource* source, const reason::Pipeline& pipeline) {
  const auto* records = dynamic_cast<const data::RecordSource*>(source);
  if (records == nullptr) return;
  const reason::Processor& processor = pipeline.processor();
  const bool words = pipeline.options().reason.mllm_scope == reason::MllmScope::kAnswerWords;
  Progress progress("checked", records->size(), "records");
  for (int64_t i = 0; i < records->size(); ++i) {
    throw_if_interrupted();
    const data::Record& record = records->records()[static_cast<size_t>(i)];
    records->at_line(i, [&] {
      processor.instruction_tokens(record.instruction);
      if (words) processor.answer_ids(record.answer);
      if (record.tgt_image.empty())
        throw data_error("the record has no tgt_image; training needs one");
    });
    progress.add();
  }
  progress.finish();
}

// What built and ran the model, for env.json.
std::string environment() {
  nlohmann::json out = {{"reasonbrain", kVersion}, {"git_id", nullptr}, {"git_dirty", nullptr}};
  if (!git_id().empty()) {
    out["git_id"] = git_id();
    out["git_dirty"] = git_dirty();
  }
  for (const auto& [name, version] : library_versions()) out["libraries"][name] = version;
  return out.dump();
}

// What makes the model another function or another set of parameters. Not where files lie, how the
// model is used once trained, or how fresh weights were drawn.
std::map<std::string, std::string> model_identity(const reason::PipelineOptions& model) {
  std::map<std::string, std::string> out;
  for (const config::OptionRow& row : config::list_options(model)) {
    const bool apart = row.path == "preset" || starts_with(row.path, "tokenizers.") ||
                       starts_with(row.path, "inference.") || ends_with(row.path, ".path") ||
                       ends_with(row.path, "initializer_range");
    if (!apart) out["model." + row.path] = row.value;
  }
  return out;
}

}  // namespace

std::shared_ptr<reason::Pipeline> open_pipeline(RunConfig& config, const Placement& placement) {
  if (config.init_from.empty()) {
    return reason::Pipeline::create(config.model, placement, static_cast<uint64_t>(config.seed));
  }
  auto pipeline = reason::Pipeline::load(config.init_from, placement);
  take_model(config, pipeline->options());
  pipeline->set_training(config.model.parts);
  return pipeline;
}

void check_training(const RunConfig& config) {
  std::vector<std::string> stages;
  for (const auto& stage : config.train.stages) stages.push_back(stage.name);
  for (const std::string& stage : stages)
    tasks::check_stage(stage, config.task, config.model.reason, /*has_labels=*/true);
  if (!stages.empty()) train::resolve_stages(config.train, stages);
  config.task.validate();
  config.model.parts.validate();
  if (config.data.source == DataSource::kMiniworld) {
    open_worlds(config.data, config.model.denoiser.picture_side);
  } else if (config.data.records.empty()) {
    throw config_error("data.source is records, but data.records names no file");
  }
}

std::unique_ptr<train::Task> make_task(RunConfig& config, const Placement& placement) {
  if (config.train.stages.empty()) {
    config.train.stages.push_back({.name = "joint"});
  }
  std::vector<std::string> stages;
  for (const auto& stage : config.train.stages) stages.push_back(stage.name);
  take_model(config);
  check_training(config);
  // The weights last, which may take minutes.
  tasks::TaskData data = open_data(config.data, config.model.denoiser.picture_side);
  const auto pipeline = open_pipeline(config, placement);
  for (const auto& source : {data.train, data.validation}) check_records(source.get(), *pipeline);
  return std::make_unique<tasks::ReasonBrainTask>(pipeline, config.task, std::move(data), stages,
                                                  static_cast<uint64_t>(config.seed));
}

namespace {

constexpr int64_t kLargeRun = int64_t{4} << 30;  // bytes; above it a dry run is the plan alone

// Prints the plan; false when it is too large to take the steps as well.
bool plan_fits(RunConfig config, const Placement& placement) {
  take_model(config);
  check_training(config);
  const MemoryPlan plan = plan_memory(config, placement.dtype);
  std::cout << plan.text;
  if (plan.total() <= kLargeRun) return true;
  std::cout << "no step is taken: a dry run takes them up to " << (kLargeRun >> 30) << " GiB\n";
  return false;
}

}  // namespace

void run_training(const TrainArguments& arguments) {
  RunConfig config = load_run_config(arguments.configs, arguments.overrides);
  Placement placement;
  placement.device = parse_device(arguments.device);
  if (arguments.dry_run && !plan_fits(config, placement)) return;
  train::RunInfo run;
  run.folder = arguments.run_folder.empty() ? "runs/" + config.model.preset : arguments.run_folder;
  const std::unique_ptr<train::Task> task = make_task(config, placement);
  run.resolved_config = config::write_options(config);
  run.resume = arguments.resume;
  run.dry_run = arguments.dry_run;
  run.seed = static_cast<uint64_t>(config.seed);
  run.model = model_identity(config.model);
  run.data_workers = config.data.loader.workers;
  run.data_prefetch = config.data.loader.prefetch;
  run.environment = environment();
  const train::TrainResult result = train::train(*task, config.train, run);
  if (!result.report.empty()) std::cout << result.report;
}

}  // namespace reasonbrain::cli
