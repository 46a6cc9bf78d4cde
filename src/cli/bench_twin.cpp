#include "cli/bench_twin.h"

#include <ATen/Parallel.h>

#include <nlohmann/json.hpp>

#include "cli/paths.h"
#include "core/str.h"
#include "io/json.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"
#include "tasks/collate.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

const tasks::LossOptions& loss_of(const RunConfig& config, const std::string& stage) {
  if (stage == "reasoner") return config.task.reasoner;
  return stage == "painter" ? config.task.painter : config.task.joint;
}

io::TensorMap batch_tensors(const tasks::ReasonBatch& batch) {
  const reason::EncoderInputs& inputs = batch.inputs;
  io::TensorMap tensors = {{"pixels", inputs.pixels},
                           {"vision_pixels", inputs.vision_pixels},
                           {"prefix_ids", inputs.prefix_ids},
                           {"instruction_ids", inputs.instruction_ids},
                           {"instruction_mask", inputs.instruction_mask},
                           {"clip_ids", inputs.clip_ids},
                           {"clip_mask", inputs.clip_mask},
                           {"object_ids", inputs.object_ids},
                           {"object_mask", inputs.object_mask},
                           {"region_weights", inputs.region_weights},
                           {"region_geometry", inputs.region_geometry},
                           {"region_mask", inputs.region_mask},
                           {"target", batch.target},
                           {"edit_mask", batch.edit_mask},
                           {"edit_density", batch.edit_density},
                           {"answer_ids", batch.answer_ids},
                           {"region_labels", batch.region_labels},
                           {"object_labels", batch.object_labels},
                           {"noise", batch.noise},
                           {"time", batch.time},
                           {"keep_text", batch.keep_text},
                           {"keep_image", batch.keep_image},
                           {"open_gate", batch.open_gate}};
  std::erase_if(tensors, [](const auto& entry) { return !entry.second.defined(); });
  return tensors;
}

nlohmann::json step_json(train::Task& task, const train::Stage& stage, const RunConfig& config,
                         const train::Batch& batch) {
  const tasks::LossOptions& loss = loss_of(config, stage.name);
  nlohmann::json groups = nlohmann::json::array(), counts, slots = nlohmann::json::array();
  for (const train::ParameterGroup& group : task.parameter_groups()) {
    nlohmann::json names = nlohmann::json::array();
    for (const auto& entry : group.parameters) names.push_back(entry.first);
    groups.push_back(
        {{"names", names}, {"lr_scale", group.lr_scale}, {"weight_decay", group.weight_decay}});
  }
  for (const train::LossCount& count : task.counts(batch)) counts[count.name] = count.count;
  for (const auto& words : task.source()->label_slots()) slots.push_back(words.size());
  return {{"stage", stage.name},
          {"loss",
           {{"mllm", loss.mllm},
            {"dm", loss.dm},
            {"l1", loss.l1},
            {"edit_weight", loss.edit_weight},
            {"edit_share", loss.edit_share},
            {"labels", loss.labels},
            {"align", loss.align}}},
          {"counts", counts},
          {"groups", groups},
          {"label_slots", slots},
          {"num_train_timesteps", config.model.scheduler.num_train_timesteps},
          {"lr", stage.settings.lr},
          {"betas", {config.train.beta1, config.train.beta2}},
          {"eps", config.train.eps},
          {"clip_norm", stage.settings.clip_norm},
          {"ema_decay", stage.settings.ema_decay}};
}

}  // namespace

TrainTwin::TrainTwin(TwinProgram program, train::Task& task, const train::Stage& stage,
                     const RunConfig& config, const train::MicroBatches& batches)
    : program_(std::move(program)) {
  if (program_.script.empty())
    program_.script = (home_folder() / "bench" / "train_twin.py").string();
  if (!fs::exists(program_.script)) {
    throw data_error(str("no such file: ", program_.script, "; name the script with --script"));
  }
  const auto* batch = dynamic_cast<const tasks::ReasonBatch*>(batches[0].get());
  if (batches.size() != 1 || batch == nullptr) {
    throw usage_error(str("a step of stage '", stage.name, "' has ", batches.size(),
                          " micro-batches, its Python twin has one: set train.accumulate=1"));
  }
  const fs::path& folder = scratch_.path();
  task.export_model(folder / "model");
  io::TensorMap weights;
  for (const auto& entry : task.module().named_parameters())
    weights[entry.key()] = entry.value().detach();
  io::save_safetensors(folder / "weights.safetensors", weights);
  io::save_safetensors(folder / "batch.safetensors", batch_tensors(*batch));
  io::write_json(folder / "step.json", step_json(task, stage, config, *batch));
}

Elapsed TrainTwin::time_step(int64_t warm_up, int64_t steps) {
  time_program({program_.python, program_.script, "--folder", scratch_.path().string(), "--steps",
                std::to_string(steps), "--warm-up", std::to_string(warm_up), "--threads",
                std::to_string(at::get_num_threads())});
  const nlohmann::json times = io::read_json(scratch_.path() / "times.json");
  loss_ = times.at("loss");
  std::vector<Elapsed> runs;
  for (size_t i = 0; i < times.at("cpu").size(); ++i)
    runs.push_back({times.at("wall")[i], times.at("cpu")[i]});
  return median(runs);
}

}  // namespace reasonbrain::cli
