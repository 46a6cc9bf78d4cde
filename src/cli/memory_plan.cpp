#include "cli/memory_plan.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "cli/activation_meter.h"
#include "cli/model_report.h"
#include "core/log.h"
#include "core/str.h"
#include "reason/pipeline.h"
#include "train/stage_plan.h"

namespace reasonbrain::cli {
namespace {

constexpr int64_t kTextTokens = 64;   // of an instruction with its prompt
constexpr int64_t kPhraseTokens = 8;  // of an object's phrase
constexpr double kGibibyte = 1 << 30;

// Inputs of the configuration's largest shapes, without values.
reason::EncoderInputs empty_inputs(const reason::PipelineOptions& options, int64_t batch) {
  const auto floats = torch::TensorOptions(torch::kFloat32).device(torch::kMeta);
  const auto ids = floats.dtype(torch::kInt64);
  const auto masks = floats.dtype(torch::kBool);
  const int64_t side = options.denoiser.picture_side;
  const int64_t vision = options.vision.image_size;
  const int64_t grid = vision / options.vision.patch_size;
  const int64_t clip_tokens = options.text.max_position_embeddings;
  const int64_t text_tokens = std::min(kTextTokens, options.reason.prompt.max_instruction_tokens);
  const int64_t regions = options.reason.frce.max_regions;
  const int64_t objects = options.reason.idc.max_objects;
  reason::EncoderInputs out;
  out.pixels = at::empty({batch, 3, side, side}, floats);
  out.vision_pixels = at::empty({batch, 3, vision, vision}, floats);
  out.prefix_ids = at::empty({1}, ids);
  out.instruction_ids = at::empty({batch, text_tokens}, ids);
  out.instruction_mask = at::empty({batch, text_tokens}, masks);
  out.clip_ids = at::empty({batch, clip_tokens}, ids);
  out.clip_mask = at::empty({batch, clip_tokens}, masks);
  out.object_ids = at::empty({batch, objects, std::min(kPhraseTokens, clip_tokens)}, ids);
  out.object_mask = at::empty({batch, objects}, masks);
  out.region_weights = at::empty({batch, regions, grid * grid}, floats);
  out.region_geometry = at::empty({batch, regions, reason::kNumGeometry}, floats);
  out.region_mask = at::empty({batch, regions}, masks);
  if (options.flux_text.prompt_embeds)
    out.t5_ids = at::empty({batch, options.flux_text.max_sequence_length}, ids);
  return out;
}

int64_t num_bytes(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.numel() * static_cast<int64_t>(tensor.element_size()) : 0;
}

int64_t cached_bytes(const reason::Inputs& inputs) {
  int64_t bytes = num_bytes(inputs.vision) + num_bytes(inputs.objects) + num_bytes(inputs.text) +
                  num_bytes(inputs.source) + num_bytes(inputs.pooled_prompt_embeds) +
                  num_bytes(inputs.prompt_embeds);
  for (const torch::Tensor& scale : inputs.scales) bytes += num_bytes(scale);
  return bytes;
}

int64_t forward_bytes(reason::Pipeline& pipeline, int64_t batch, int64_t& cache_per_sample) {
  return activation_bytes([&] {
    const reason::Inputs inputs = pipeline.encode(empty_inputs(pipeline.options(), batch));
    cache_per_sample = cached_bytes(inputs) / batch;
    const reason::ModelOutputs outputs = pipeline.reason(inputs, /*want_logits=*/true);
    const torch::Tensor t = at::empty({batch}, inputs.source.options().dtype(torch::kFloat32));
    pipeline.denoiser().forward(at::empty_like(inputs.source), t,
                                reason::Denoiser::condition(outputs.guidance, inputs.source));
  });
}

std::string plan_text(const MemoryPlan& plan, const train::StepSettings& settings) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(2);
  const auto line = [&](const char* name, int64_t bytes, const std::string& note) {
    out << "  " << std::left << std::setw(13) << name << std::right << std::setw(9)
        << static_cast<double>(bytes) / kGibibyte << " GiB  " << note << '\n';
  };
  out << "memory plan of the joint stage on one device, batch " << settings.batch_size
      << "; nothing is allocated for it:\n";
  line("weights", plan.weights, "");
  line("gradients", plan.gradients, "");
  line("optimizer", plan.moments, "AdamW: two moments");
  line("EMA", plan.averages, "");
  line("activations", plan.activations,
       plan.activations > 0 ? "an estimate from above" : "not known");
  line("in all", plan.total(), "");
  out << "  a cache of frozen towers and source latents takes "
      << static_cast<double>(plan.cache_per_sample) / (1 << 20) << " MiB a sample\n";
  return out.str();
}

// Of the stage joint, the largest; of the last one without it.
train::StepSettings joint_settings(const train::TrainOptions& options) {
  std::vector<std::string> names;
  for (const auto& stage : options.stages) names.push_back(stage.name);
  if (names.empty()) return options.settings;
  const train::StagePlan plan = train::resolve_stages(options, names);
  if (plan.empty()) return options.settings;
  const auto joint = std::find_if(plan.begin(), plan.end(),
                                  [](const train::Stage& stage) { return stage.name == "joint"; });
  return (joint == plan.end() ? plan.back() : *joint).settings;
}

}  // namespace

MemoryPlan plan_memory(const RunConfig& config, torch::ScalarType dtype) {
  Placement placement;
  placement.device = torch::kMeta;
  placement.dtype = dtype;
  const auto seed = static_cast<uint64_t>(config.seed);
  // What leaves tokens out looks at values, which are not there; without it a pass takes the most.
  reason::PipelineOptions options = config.model;
  options.reason.token_selection.enabled = false;
  options.reason.token_propagation.enabled = false;
  const auto pipeline = reason::Pipeline::create(options, placement, seed);
  pipeline->train_joint(seed);
  const train::StepSettings settings = joint_settings(config.train);
  MemoryPlan plan;
  for (const torch::Tensor& parameter : pipeline->parameters()) {
    plan.weights += num_bytes(parameter);
    if (!parameter.requires_grad()) continue;
    plan.gradients += num_bytes(parameter);
    plan.moments += 2 * num_bytes(parameter);
    if (settings.ema_decay > 0)
      plan.averages += parameter.numel() * static_cast<int64_t>(sizeof(float));
  }
  try {
    plan.activations = forward_bytes(*pipeline, settings.batch_size, plan.cache_per_sample);
  } catch (const c10::Error& error) {  // an operation that needs values
    log::warning(str("activations are not in the plan: ", error.what_without_backtrace()));
  }
  plan.text = report_table(report_model(*pipeline)) + plan_text(plan, settings);
  return plan;
}

}  // namespace reasonbrain::cli
