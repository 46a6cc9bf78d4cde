#include "reason/model.h"

#include <optional>

#include "core/log.h"
#include "core/rng_tensor.h"
#include "core/str.h"
#include "reason/token_propagation.h"
#include "reason/token_selection.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {

ModelImpl::ModelImpl(const ReasonOptions& options, const ModelSizes& sizes,
                     models::llama::Llama llm_,
                     const models::qformer::QFormerConfig& qformer_config, const nn::Build& build)
    : options_(options) {
  options.validate();
  llm = register_module("llm", std::move(llm_));
  const int64_t num_layers = llm->config().num_hidden_layers;
  const bool selects = options.contrast.enabled || options.token_selection.enabled;
  if (selects && options.token_selection.layer + 1 >= num_layers) {
    throw config_error(str("there is no layer behind reason.token_selection.layer ",
                           options.token_selection.layer, " to see what it keeps: the LLM has ",
                           num_layers, " layers (counted from 0); take a lower one"));
  }
  if (options.token_propagation.enabled) {
    for (const int64_t layer : options.token_propagation.layers) {
      if (layer < num_layers) continue;
      throw config_error(str("reason.token_propagation.layers names layer ", layer,
                             ": the LLM has ", num_layers, " layers (counted from 0)"));
    }
  }
  const int64_t llm_width = llm->config().hidden_size;
  const int64_t d = options.width;
  const int64_t r = options.num_guidance_tokens;
  const int64_t query_width = qformer_config.hidden_size;
  image_adapter_ = register_module(
      "image_adapter", ImageAdapter(options.image_adapter, sizes.vision_width, llm_width, build));
  frce_ = register_module("frce", Frce(options, sizes.vision_width, sizes.text_width, build));
  if (options.frce.patch || options.frce.region) {
    visual_to_llm_ =
        register_module("visual_to_llm", nn::Linear(d, llm_width, /*bias=*/true, build));
  }
  objects_to_llm_ =
      register_module("objects_to_llm", nn::Linear(d, llm_width, /*bias=*/true, build));
  new_rows_ = parameter("new_rows", {r + 2, llm_width}, build.tensor,
                        nn::Init::normal(options.initializer_range));
  if (options.mllm_scope == MllmScope::kImgTokens) {
    new_head_rows_ = parameter("new_head_rows", {r, llm_width}, build.tensor,
                               nn::Init::normal(options.initializer_range));
  }
  query_tokens_ =
      parameter("query_tokens", {options.num_queries, query_width}, build.tensor, build.embedding);
  qformer_ = register_module("qformer", models::qformer::QFormer(qformer_config, build));
  const auto& propagation = options.token_propagation;
  if (propagation.penalizes() ||
      (propagation.enabled && propagation.form == PropagationForm::kRelative)) {
    propagation_start_ = register_buffer(
        "propagation_start",
        at::empty({llm->config().num_hidden_layers, llm->config().num_attention_heads},
                  build.tensor.dtype(torch::kFloat32)));
  }
  if (query_width != d) {
    reasoning_to_cme_ =
        register_module("reasoning_to_cme", nn::Linear(query_width, d, /*bias=*/true, build));
  }
  if (options.cme.visual_on()) {
    const bool cues = options.frce.to_cme && (options.frce.patch || options.frce.region);
    cme_visual_ = register_module("cme_visual", Enhancer(options, cues, build));
  }
  if (options.cme.textual_on()) {
    text_to_cme_ =
        register_module("text_to_cme", nn::Linear(sizes.text_width, d, /*bias=*/true, build));
    cme_textual_ = register_module("cme_textual", Enhancer(options, options.frce.to_cme, build));
  }
}

void ModelImpl::init_new_rows(uint64_t seed) {
  torch::NoGradGuard no_grad;
  Rng rng(seed, {hash_key("new_rows")});
  const auto fill = [&](torch::Tensor& rows, const torch::Tensor& table) {
    if (rows.is_meta()) return;
    rows.copy_(table.to(torch::kFloat32).mean(0) +
               randn(rng, rows.sizes()).to(rows.device()) * options_.initializer_range);
  };
  const torch::Tensor& table = llm->model->embed_tokens->weight;
  fill(new_rows_, table);
  if (new_head_rows_.defined())
    fill(new_head_rows_, llm->lm_head.is_empty() ? table : llm->lm_head->weight);
  if (propagation_start_.defined() && !propagation_start_.is_meta()) {
    propagation_start_.copy_(spectrum(*llm));
  }
}

void ModelImpl::start_image_adapter(const nn::StateDict& projector, const std::string& origin) {
  try {
    nn::load_state_dict(
        *image_adapter_, projector,
        {.origin = origin + " (projector)", .may_be_missing = {}, .may_be_extra = {}});
  } catch (const Error& problem) {
    log::warning(
        str("the image adapter starts fresh, for model.reason.image_adapter is another "
            "one: ",
            problem.what()));
  }
}

void ModelImpl::train_reasoning() {
  nn::set_requires_grad(*image_adapter_, true);
  nn::set_requires_grad(*frce_, true);
  if (!visual_to_llm_.is_empty()) nn::set_requires_grad(*visual_to_llm_, true);
  nn::set_requires_grad(*objects_to_llm_, true);
  new_rows_.set_requires_grad(true);
  if (new_head_rows_.defined()) new_head_rows_.set_requires_grad(true);
}

void ModelImpl::train_conditioning() {
  nn::set_requires_grad(*qformer_, true);
  query_tokens_.set_requires_grad(true);
  for (nn::Linear* linear : {&reasoning_to_cme_, &text_to_cme_}) {
    if (!linear->is_empty()) nn::set_requires_grad(**linear, true);
  }
  for (Enhancer* enhancer : {&cme_visual_, &cme_textual_}) {
    if (!enhancer->is_empty()) nn::set_requires_grad(**enhancer, true);
  }
}

torch::Tensor ModelImpl::img_token_ids() const {
  const int64_t vocabulary = llm->config().vocab_size;
  return at::arange(vocabulary, vocabulary + options_.num_guidance_tokens, torch::kInt64);
}

torch::Tensor ModelImpl::sequence(const Inputs& inputs, const Cues& cues, SequenceLayout& layout,
                                  torch::Tensor& mask) {
  const int64_t batch = inputs.instruction_ids.size(0);
  const int64_t r = options_.num_guidance_tokens;
  std::vector<torch::Tensor> parts, keeps;
  int64_t position = 0;
  const auto add = [&](const torch::Tensor& tokens, const torch::Tensor& keep) {
    parts.push_back(tokens);
    keeps.push_back(keep.defined()
                        ? keep
                        : at::ones({batch, tokens.size(1)}, inputs.instruction_mask.options()));
    position += tokens.size(1);
    return position;
  };
  const auto row = [&](int64_t begin, int64_t count) {
    return new_rows_.narrow(0, begin, count).expand({batch, count, new_rows_.size(1)});
  };
  add(llm->embed(inputs.prefix_ids).expand({batch, -1, -1}), {});
  layout.image_begin = add(row(r, 1), {});
  layout.image_end = add(image_adapter_(inputs.vision), {});
  layout.visual_begin = layout.visual_end = add(row(r + 1, 1), {});
  layout.local_end = layout.visual_begin + (options_.frce.patch ? inputs.vision.size(1) : 0);
  if (cues.visual.defined()) layout.visual_end = add(visual_to_llm_(cues.visual), cues.visual_keep);
  layout.objects_begin = layout.visual_end;
  layout.objects_end = add(objects_to_llm_(cues.objects), cues.objects_keep);
  layout.text_begin = layout.objects_end;
  layout.text_end = add(llm->embed(inputs.instruction_ids), inputs.instruction_mask);
  layout.img_begin = layout.text_end;
  layout.img_end = layout.length = add(row(0, r), {});
  mask = at::cat(keeps, 1);
  return at::cat(parts, 1);
}

void ModelImpl::enhance(const Inputs& inputs, ModelOutputs& out) {
  const int64_t batch = out.states.size(0);
  const torch::Tensor queries = query_tokens_.expand({batch, -1, -1});
  out.reasoning = qformer_(queries, out.states);
  const torch::Tensor reasoning =
      reasoning_to_cme_.is_empty() ? out.reasoning : reasoning_to_cme_(out.reasoning);
  std::vector<torch::Tensor> context;
  if (!cme_visual_.is_empty()) {
    const Enhanced visual = cme_visual_(reasoning, out.cues.features, torch::Tensor(),
                                        out.cues.visual, out.cues.visual_keep);
    if (visual.reasoning.defined()) context.push_back(visual.reasoning);
    out.guidance.residual_visual = visual.features;
  }
  if (!cme_textual_.is_empty()) {
    const Enhanced textual = cme_textual_(reasoning, text_to_cme_(inputs.text), inputs.text_mask,
                                          out.cues.objects, out.cues.objects_keep);
    if (textual.reasoning.defined()) context.push_back(textual.reasoning);
    const torch::Tensor weight = inputs.text_mask.to(textual.features.scalar_type()).unsqueeze(-1);
    out.guidance.residual_text = (textual.features * weight).sum(1) / weight.sum(1).clamp_min(1);
  }
  if (context.empty()) context.push_back(reasoning);
  out.guidance.context = at::cat(context, 1);
  out.guidance.pooled_prompt_embeds = inputs.pooled_prompt_embeds;
  out.guidance.prompt_embeds = inputs.prompt_embeds;
}

torch::Tensor ModelImpl::read(const torch::Tensor& embeddings, const torch::Tensor& mask,
                              const SequenceLayout& layout, const TokenSelectionOptions& selected,
                              bool training, models::llama::LayerHook* hook,
                              PassStatistics& statistics) {
  // Padding may stand anywhere in the sequence: positions count the valid tokens before.
  const torch::Tensor positions = (mask.to(torch::kInt64).cumsum(1) - 1).clamp_min(0);
  std::optional<TokenSelection> selection;
  std::optional<TokenPropagation> propagation;
  if (selected.enabled) {
    const auto options = torch::TensorOptions(torch::kInt64).device(mask.device());
    SelectionInput input;
    const bool local = selected.eligible == SelectionTokens::kVisionAndLocal;
    input.eligible = at::cat(
        {at::arange(layout.image_begin, layout.image_end, options),
         at::arange(layout.visual_begin, local ? layout.local_end : layout.visual_begin, options)});
    input.asking = at::arange(layout.objects_begin, layout.text_end, options);
    input.asking_keep =
        mask.narrow(1, layout.objects_begin, layout.text_end - layout.objects_begin);
    input.img_begin = layout.img_begin;
    input.img_end = layout.img_end;
    input.length = layout.length;
    hook = &selection.emplace(selected, std::move(input), hook);
  }
  if (options_.token_propagation.scales_in(training)) {
    const torch::NoGradGuard no_grad;
    torch::Tensor factors;
    if (options_.token_propagation.form != PropagationForm::kActivation) {
      factors = weight_factors(spectrum(*llm), propagation_start_, options_.token_propagation);
    }
    hook = &propagation.emplace(options_.token_propagation, factors, mask, hook);
  }
  const torch::Tensor states = llm->forward(embeddings, mask, positions, hook,
                                            /*keep_hidden_states=*/false, /*cache=*/nullptr,
                                            options_.num_guidance_tokens + 1)
                                   .last_hidden_state;
  if (selection) selection->report(statistics);
  if (propagation) propagation->report(statistics);
  return states;
}

torch::Tensor ModelImpl::propagation_penalty() {
  return reason::propagation_penalty(spectrum(*llm), propagation_start_,
                                     options_.token_propagation);
}

torch::Tensor ModelImpl::propagation_entropy() {
  const torch::NoGradGuard no_grad;
  return of_layers(reason::propagation_entropy(*llm), options_.token_propagation).mean();
}

ModelOutputs ModelImpl::forward(const Inputs& inputs, bool want_logits, bool paint,
                                models::llama::LayerHook* hook, const SelectionDraw& draw) {
  ModelOutputs out;
  out.cues = frce_(inputs);
  torch::Tensor mask;
  const torch::Tensor embeddings = sequence(inputs, out.cues, out.layout, mask);
  const int64_t r = options_.num_guidance_tokens;
  const torch::Tensor last = read(embeddings, mask, out.layout, options_.token_selection.at(draw),
                                  draw.training, hook, out.statistics);
  out.states = last.narrow(1, 1, r);
  if (draw.contrast) {
    const torch::NoGradGuard no_grad;
    PassStatistics unused;
    out.negative = read(embeddings, mask, out.layout,
                        options_.contrast.selection(options_.token_selection), draw.training,
                        /*hook=*/nullptr, unused)
                       .narrow(1, 1, r);
  }
  if (want_logits) {
    if (options_.mllm_scope == MllmScope::kAnswerWords) {
      out.logits = llm->head(out.states);
    } else {  // shifted: the state before IMG_i predicts it
      const torch::Tensor before = last.narrow(1, 0, r);
      out.logits = at::cat({llm->head(before), at::linear(before, new_head_rows_)}, -1);
    }
  }
  if (paint) enhance(inputs, out);
  return out;
}

}  // namespace reasonbrain::reason
