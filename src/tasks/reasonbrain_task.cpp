#include "tasks/reasonbrain_task.h"

#include <algorithm>

#include "core/str.h"
#include "diffusion/schedule.h"
#include "models/lora.h"
#include "reasonbrain/error.h"
#include "tasks/selection_terms.h"

namespace reasonbrain::tasks {
namespace {

constexpr double kWeightDecay = 0.02;  // as the help of train.weight_decay says

std::vector<int64_t> slot_sizes(const std::vector<std::vector<std::string>>& slots) {
  std::vector<int64_t> sizes;
  for (const auto& words : slots) sizes.push_back(static_cast<int64_t>(words.size()));
  return sizes;
}

// Norms, biases, queries, tables and new rows are not decayed: everything but weights of linear
// maps.
bool decays(const std::string& name, const torch::Tensor& parameter) {
  for (const char* part : {"queries", "query_tokens", "null_", "new_rows", "new_head_rows", "embed",
                           "words", "positions"}) {
    if (name.find(part) != std::string::npos) return false;
  }
  return parameter.dim() >= 2;
}

torch::Tensor wide(const torch::Tensor& x) {
  return x.to(torch::kFloat32);
}

torch::Tensor zero_on(torch::Device device) {
  return at::zeros({}, torch::TensorOptions(torch::kFloat32).device(device));
}

// Every stage reports every term, so that all lines of metrics.jsonl have the same columns; what a
// stage does not measure has the count 0 and is logged as null.
constexpr const char* kTerms[] = {"mllm", "region_labels", "object_labels", "dm",
                                  "l1",   "remaining",     "align"};

template <class Term>
std::vector<Term> every_term(const std::vector<std::string>& names, std::vector<Term> measured,
                             const Term& absent) {
  std::vector<Term> all;
  for (const std::string& name : names) {
    const auto found = std::find_if(measured.begin(), measured.end(),
                                    [&](const Term& term) { return term.name == name; });
    all.push_back(found == measured.end() ? absent : std::move(*found));
    all.back().name = name;
  }
  return all;
}

}  // namespace

ReasonBrainTask::ReasonBrainTask(std::shared_ptr<reason::Pipeline> pipeline,
                                 const TaskOptions& options, TaskData data,
                                 std::vector<std::string> stages, uint64_t seed)
    : pipeline_(std::move(pipeline)),
      options_(options),
      data_(std::move(data)),
      stages_(std::move(stages)),
      terms_(std::begin(kTerms), std::end(kTerms)),
      seed_(seed) {
  const auto& model = pipeline_->options();
  for (std::string& name : selection_terms(model.reason)) terms_.push_back(std::move(name));
  model.parts.validate();
  options_.validate();
  const auto slots = data_.train->label_slots();
  for (const std::string& stage : stages_)
    check_stage(stage, options_, model.reason, /*has_labels=*/!slots.empty());
  const auto make_collator = [&](const TaskOptions& task) {
    return std::make_unique<Collator>(
        task, pipeline_->processor(),
        pipeline_->denoiser().latent_shape(model.denoiser.picture_side),
        model.reason.idc.max_objects, model.reason.mllm_scope == reason::MllmScope::kAnswerWords,
        slots);
  };
  collator_ = make_collator(options_);
  TaskOptions plain = options_;
  plain.mix = MixOptions::none();
  plain_collator_ = make_collator(plain);
  root_ = std::make_shared<torch::nn::Module>();
  root_->register_module("pipeline", pipeline_);
  const nn::Build build =
      nn::Build{pipeline_->placement().options()}.normal(model.reason.initializer_range);
  const int64_t d = model.reason.width;
  if (!slots.empty()) {
    labels_ = root_->register_module("labels", LabelHeads(d, slot_sizes(slots), build));
    nn::init_weights(*labels_, seed, "labels");
  }
  const auto has = [&](const char* stage) {
    return std::find(stages_.begin(), stages_.end(), stage) != stages_.end();
  };
  // These stages train parts as a whole, whatever parts.X.train says of the joint one.
  if (has("reasoner")) pipeline_->detach_paths({"vision", "text", "llm"});
  if (has("painter")) {
    pipeline_->detach_paths({"denoiser"});
    const int64_t answers = model.reason.num_guidance_tokens;
    const int64_t context = reason::context_tokens(model.reason);
    if (answers > context) {
      throw config_error(str("stage 'painter' tells the denoiser the outcome in ", answers,
                             " tokens (model.reason.num_guidance_tokens), but its context has ",
                             context, "; raise model.reason.num_queries"));
    }
    answers_ = root_->register_module(
        "answers", AnswerEncoder(model.llm.vocab_size, model.reason.num_guidance_tokens, d,
                                 model.reason.num_heads, build));
    nn::init_weights(*answers_, seed, "answers");
  }
}

void ReasonBrainTask::begin_stage(const std::string& stage) {
  stage_ = parse_stage(stage);
  nn::set_requires_grad(*root_, false);
  auto& model = *pipeline_->model;
  auto& encoder = *pipeline_->encoder;
  if (stage_ == Stage::kReasoner) {
    encoder.train_towers(/*vision=*/true, /*text=*/true);
    model.train_reasoning();
    nn::set_requires_grad(*model.llm, true);
  } else if (stage_ == Stage::kPainter) {
    pipeline_->denoiser().train_backbone(true);
    pipeline_->denoiser().train_adapter(/*residuals=*/false);
    nn::set_requires_grad(*answers_, true);
  } else {
    pipeline_->train_joint(seed_);
  }
  if (reasons() && learns_labels()) nn::set_requires_grad(*labels_, true);
}

bool ReasonBrainTask::learns_object_labels() const {
  const auto& idc = pipeline_->options().reason.idc;
  return learns_labels() && (!idc.enabled || idc.query == reason::IdQuery::kObject);
}

// Decoding the latents of an autoencoder costs more than the training step itself.
bool ReasonBrainTask::measures_remaining(const ReasonBatch& batch) const {
  return batch.is_validation ||
         pipeline_->options().denoiser.codec == reason::LatentCodec::kPixelBlocks;
}

std::unique_ptr<train::Batch> ReasonBrainTask::collate(std::vector<data::Sample>&& samples,
                                                       const train::BatchInfo& info) const {
  const auto side = static_cast<int>(pipeline_->processor().picture_side());
  for (data::Sample& sample : samples) sample = on_canvas(std::move(sample), side);
  auto batch = std::make_unique<ReasonBatch>((*collator_)(samples, info));
  if (stage_ == Stage::kPainter) batch->open_gate.zero_();  // a fresh denoiser learns worse with it
  if (reasons()) {
    batch->selection = draw_selection(pipeline_->options().reason, info, data_.train->size());
  }
  return batch;
}

torch::Tensor ReasonBrainTask::weights(const ReasonBatch& batch) const {
  const torch::Tensor even = 1 + (loss().edit_weight - 1) * batch.edit_mask;
  const torch::Tensor map = at::lerp(even, batch.edit_density, loss().edit_share);
  return pipeline_->denoiser().weight_map(map).expand(batch.noise.sizes());
}

std::vector<train::LossCount> ReasonBrainTask::counts(const train::Batch& given) const {
  const auto& batch = static_cast<const ReasonBatch&>(given);
  std::vector<train::LossCount> counts;
  const auto size = static_cast<double>(batch.noise.size(0));
  const auto r = static_cast<double>(pipeline_->options().reason.num_guidance_tokens);
  const auto sum = [](const torch::Tensor& x) { return x.sum(torch::kFloat64).item<double>(); };
  if (reasons()) {
    if (loss().mllm > 0) counts.push_back({"mllm", size * r});
    if (learns_labels()) counts.push_back({"region_labels", sum(batch.region_labels.ge(0))});
    if (learns_object_labels()) counts.push_back({"object_labels", sum(batch.object_labels.ge(0))});
    count_selection_terms(pipeline_->options().reason, batch.selection, batch.noise.size(0),
                          counts);
  }
  if (paints()) {
    const double weight = sum(weights(batch));
    counts.push_back({"dm", weight});
    if (loss().l1 > 0) counts.push_back({"l1", weight});
    // How far from the source the target is where anything changes: the scale of `remaining`.
    if (measures_remaining(batch)) {
      counts.push_back(
          {"remaining", sum((batch.inputs.pixels - batch.target).abs() * batch.edit_mask)});
    }
    if (learns_alignment()) {
      counts.push_back(
          {"align", size * r * static_cast<double>(pipeline_->options().reason.width)});
    }
  }
  return every_term(terms_, std::move(counts), train::LossCount{});
}

ReasonBrainTask::Forward ReasonBrainTask::run(const ReasonBatch& batch) {
  Forward out;
  auto& denoiser = pipeline_->denoiser();
  reason::Guidance guidance;
  const torch::Device device = pipeline_->placement().device;
  const auto dtype = pipeline_->placement().dtype;
  torch::Tensor source;
  if (reasons()) {
    out.inputs = pipeline_->encode(batch.inputs.to(device));
    out.outputs = pipeline_->model->forward(out.inputs, /*want_logits=*/loss().mllm > 0, paints(),
                                            /*hook=*/nullptr, batch.selection);
    guidance = out.outputs.guidance;
    source = out.inputs.source;
  } else {
    guidance.context = answers_(batch.answer_ids.to(device));
  }
  if (!paints()) return out;
  {
    torch::NoGradGuard no_grad;
    if (!source.defined()) source = denoiser.encode(batch.inputs.pixels.to(device, dtype));
    out.target_latent = denoiser.encode(batch.target.to(device, dtype));
  }
  const auto& scheduler = pipeline_->options().scheduler;
  const torch::Tensor noise = batch.noise.to(device);
  torch::Tensor timestep = batch.time * static_cast<double>(scheduler.num_train_timesteps);
  if (scheduler.is_flow()) {
    out.level = diffusion::flow_level(batch.time.to(device), noise);
  } else {
    timestep = timestep.to(torch::kInt64).clamp_max(scheduler.num_train_timesteps - 1);
    out.level = diffusion::DiscreteSchedule(scheduler).level(timestep, noise);
  }
  out.noisy = diffusion::mix(out.target_latent.to(noise.scalar_type()), noise, out.level).to(dtype);
  reason::Condition condition = reason::Denoiser::condition(guidance, source);
  condition.keep_text = batch.keep_text.to(device);
  condition.keep_image = batch.keep_image.to(device);
  condition.open_gate = batch.open_gate.to(device);
  out.prediction = denoiser.forward(out.noisy, timestep.to(device), condition);
  return out;
}

void ReasonBrainTask::add_reasoning_terms(const ReasonBatch& batch,
                                          const reason::ModelOutputs& outputs,
                                          std::vector<train::LossTerm>& terms) {
  const torch::Device device = pipeline_->placement().device;
  if (outputs.logits.defined()) {
    const torch::Tensor logits = wide(outputs.logits);
    const torch::Tensor ids = batch.answer_ids.defined()
                                  ? batch.answer_ids
                                  : pipeline_->model->img_token_ids().expand({logits.size(0), -1});
    terms.push_back({"mllm",
                     at::cross_entropy_loss(logits.reshape({-1, logits.size(2)}),
                                            ids.reshape({-1}).to(device), {}, at::Reduction::Sum),
                     loss().mllm});
  }
  const auto& cues = outputs.cues;
  const torch::Tensor zero = zero_on(device);
  if (learns_labels()) {
    const int64_t regions = batch.region_labels.size(1);
    torch::Tensor region_sum = zero;
    if (cues.regions.defined() && regions > 0) {
      region_sum =
          labels_->loss_sum(cues.regions.narrow(1, 0, regions), batch.region_labels.to(device));
    }
    terms.push_back({"region_labels", region_sum, loss().labels});
  }
  if (learns_object_labels()) {
    const int64_t objects = batch.object_labels.size(1);
    torch::Tensor object_sum = zero;
    if (objects > 0) {
      object_sum = labels_->object_loss_sum(cues.objects.narrow(1, 0, objects),
                                            batch.object_labels.to(device));
    }
    terms.push_back({"object_labels", object_sum, loss().labels});
  }
  add_selection_terms(pipeline_->options().reason, *pipeline_->model, outputs, terms);
}

void ReasonBrainTask::add_painting_terms(const ReasonBatch& batch, const Forward& forward,
                                         std::vector<train::LossTerm>& terms) {
  const torch::Device device = pipeline_->placement().device;
  const auto objective = pipeline_->denoiser().objective();
  const torch::Tensor noise = batch.noise.to(device);
  const torch::Tensor weight = weights(batch).to(device);
  const torch::Tensor prediction = wide(forward.prediction), latent = wide(forward.target_latent);
  const torch::Tensor error =
      prediction - diffusion::target(objective, latent, noise, forward.level);
  terms.push_back({"dm", (error * error * weight).sum(), loss().dm});
  const torch::Tensor x0 =
      diffusion::predicted_x0(objective, prediction, wide(forward.noisy), forward.level);
  if (loss().l1 > 0) terms.push_back({"l1", ((x0 - latent).abs() * weight).sum(), loss().l1});
  if (measures_remaining(batch)) {
    torch::NoGradGuard no_grad;
    const torch::Tensor picture =
        wide(pipeline_->denoiser().decode(x0.to(pipeline_->placement().dtype)));
    terms.push_back({"remaining",
                     ((picture - batch.target.to(device)).abs() * batch.edit_mask.to(device)).sum(),
                     0.0});
  }
  if (learns_alignment()) {
    const torch::Tensor teacher = answers_(batch.answer_ids.to(device));
    const torch::Tensor student = forward.outputs.guidance.context.narrow(1, 0, teacher.size(1));
    terms.push_back({"align", (wide(student) - wide(teacher)).square().sum(), loss().align});
  }
}

std::vector<train::LossTerm> ReasonBrainTask::losses(const train::Batch& given) {
  const auto& batch = static_cast<const ReasonBatch&>(given);
  const Forward forward = run(batch);
  std::vector<train::LossTerm> terms;
  if (reasons()) add_reasoning_terms(batch, forward.outputs, terms);
  if (paints()) add_painting_terms(batch, forward, terms);
  const train::LossTerm absent{"", zero_on(pipeline_->placement().device), 0};
  return every_term(terms_, std::move(terms), absent);
}

bool ReasonBrainTask::is_referenced(const std::string& name) const {
  const std::string prefix = "pipeline.";
  return starts_with(name, prefix) && pipeline_->is_referenced(name.substr(prefix.size()));
}

std::vector<train::ParameterGroup> ReasonBrainTask::parameter_groups() {
  struct Kind {
    const char* name;
    double lr_scale;
  };
  const bool joint = stage_ == Stage::kJoint;
  const Kind kinds[] = {{"mllm", joint ? options_.mllm_lr_scale : 1.0},
                        {"denoiser", joint ? options_.denoiser_lr_scale : 1.0},
                        {"bridge", 1.0}};
  const auto kind_of = [](const std::string& name) -> size_t {
    for (const char* prefix :
         {"pipeline.encoder.", "pipeline.model.llm.", "pipeline.model.frce.",
          "pipeline.model.image_adapter.", "pipeline.model.new_", "pipeline.model.visual_to_llm.",
          "pipeline.model.objects_to_llm.", "labels."}) {
      if (starts_with(name, prefix)) return 0;
    }
    return starts_with(name, "pipeline.denoiser.") ? 1 : 2;
  };
  std::vector<train::ParameterGroup> groups;
  for (const Kind& kind : kinds) {
    groups.push_back({str(kind.name, ".decay"), {}, kind.lr_scale, kWeightDecay});
    groups.push_back({str(kind.name, ".no_decay"), {}, kind.lr_scale, 0});
  }
  for (const auto& entry : root_->named_parameters()) {
    if (!entry.value().requires_grad()) continue;
    const size_t group = 2 * kind_of(entry.key()) + (decays(entry.key(), entry.value()) ? 0 : 1);
    groups[group].parameters.emplace_back(entry.key(), entry.value());
  }
  std::erase_if(groups, [](const auto& group) { return group.parameters.empty(); });
  return groups;
}

}  // namespace reasonbrain::tasks
