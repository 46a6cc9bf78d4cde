#include "reason/pipeline.h"

#include "core/str.h"
#include "diffusion/sampler.h"
#include "models/clip/folder.h"
#include "models/flux/folder.h"
#include "models/lora.h"
#include "models/t5/folder.h"
#include "models/unet/folder.h"
#include "models/vae/folder.h"
#include "reason/flux_denoiser.h"
#include "reason/llm_part.h"
#include "reason/own_weights.h"
#include "reason/unet_denoiser.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {
namespace {

bool enhances(const ReasonOptions& options, bool on) {
  return on && options.cme.mode != CmeMode::kSimpleCa;
}

// The transformer blocks of a UNet, the attention layers of FLUX.
void train_attention(torch::nn::Module& denoiser) {
  bool any = false;
  for (auto& entry : denoiser.named_parameters()) {
    const bool of_unet = starts_with(entry.key(), "unet.");
    if (!of_unet && !starts_with(entry.key(), "flux.")) continue;
    if (entry.key().find(of_unet ? ".attentions." : ".attn.") == std::string::npos) continue;
    entry.value().set_requires_grad(true);
    any = true;
  }
  if (!any) {
    throw config_error(
        "model.parts.denoiser.train is attention; this backbone has no transformer blocks of its "
        "own, set frozen or full");
  }
}

bool has_lora(const torch::nn::Module& module) {
  for (const auto& entry : module.named_parameters()) {
    if (models::is_lora_parameter(entry.key())) return true;
  }
  return false;
}

// Fresh adapters unless there are some; of the module only they learn.
void ensure_lora(torch::nn::Module& module, const models::LoraOptions& options, uint64_t seed) {
  if (!has_lora(module)) models::attach_lora(module, options, seed);
  for (auto& entry : module.named_parameters()) {
    entry.value().set_requires_grad(models::is_lora_parameter(entry.key()));
  }
}

void require_rank(torch::nn::Module& module, const char* name, const PartOptions& part) {
  if (part.train != TrainMode::kLora) return;
  for (const auto& [layer, linear] : models::linear_children(module)) {
    if (!linear->has_lora() || linear->lora_A.size(0) == part.lora.rank) continue;
    throw config_error(str("model.parts.", name, ".lora.rank is ", part.lora.rank,
                           ", but the adapter that the model brings has rank ",
                           linear->lora_A.size(0), " at ", layer));
  }
}

// An id without an embedding would be met in the middle of an edit.
std::unique_ptr<text::Tokenizer> load_fitting_tokenizer(const std::string& folder,
                                                        const std::string& part,
                                                        int64_t vocab_size) {
  auto tokenizer = text::load_tokenizer(folder);
  if (tokenizer->vocab_size() > vocab_size) {
    throw config_error(str("model.", part, ".vocab_size is ", vocab_size, ", but the tokenizer in ",
                           folder, " has ", tokenizer->vocab_size(),
                           " tokens; expected at least as many embeddings as tokens: set the size, "
                           "or name the tokenizer that belongs to the part"));
  }
  return tokenizer;
}

// What `load` gives as `model` of the part's folder, whose configuration replaces `config`; without
// a folder a fresh model of `config`. `arguments` stand between that and `build`.
template <class Config, class Load, class... Arguments>
auto load_or_init(const PartOptions& part, const char* name, uint64_t seed, Config& config,
                  const Load& load, const nn::Build& build, const Arguments&... arguments) {
  using Holder = decltype(load(part.path, build).model);
  if (part.path.empty()) {
    Holder fresh(config, arguments..., build);
    nn::init_weights(*fresh, seed, name);
    return fresh;
  }
  Holder loaded = load(part.path, build).model;
  config = loaded->config();
  return loaded;
}

}  // namespace

int64_t context_tokens(const ReasonOptions& options) {
  const int64_t streams = (enhances(options, options.cme.visual_on()) ? 1 : 0) +
                          (enhances(options, options.cme.textual_on()) ? 1 : 0);
  return options.num_queries * std::max<int64_t>(streams, 1);
}

Pipeline::Pipeline(const PipelineOptions& options, const Placement& placement)
    : options_(options), placement_(placement) {}

std::shared_ptr<Denoiser> Pipeline::build_denoiser(uint64_t seed,
                                                   const models::vae::AutoencoderKL& vae) {
  const nn::Build plain{placement_.options()};
  const PartOptions& part = options_.parts.denoiser;
  const auto objective = options_.scheduler.objective();
  const DenoiserSizes sizes{options_.reason.width, context_tokens(options_.reason),
                            options_.text.hidden_size,
                            options_.flux_text.prompt_embeds ? options_.text_2.d_model : 0};
  if (options_.denoiser.backbone == Backbone::kFlux) {
    auto flux = load_or_init(part, "flux", seed, options_.flux, models::flux::load, plain);
    backbone_ = flux.ptr();
    return std::make_shared<FluxDenoiser>(
        options_.denoiser, options_.flux_text, flux, objective,
        static_cast<double>(options_.scheduler.num_train_timesteps), sizes, vae, plain);
  }
  auto unet = load_or_init(part, "unet", seed, options_.unet, models::unet::load, plain);
  backbone_ = unet.ptr();
  return std::make_shared<UNetDenoiser>(options_.denoiser, unet, objective, sizes, vae, plain);
}

models::t5::T5Encoder Pipeline::build_text_2(uint64_t seed, const nn::Build& build) {
  if (!options_.flux_text.prompt_embeds) return nullptr;
  if (options_.denoiser.backbone != Backbone::kFlux)
    throw config_error("model.flux_text.prompt_embeds needs model.denoiser.backbone flux");
  return load_or_init(options_.parts.text_2, "text_2", seed, options_.text_2, models::t5::load,
                      build);
}

// Options with which no picture could be read or painted are refused here, not in the middle of an
// edit.
void Pipeline::require_usable_options() const {
  for (const auto& [name, values] : {std::pair{"image_mean", &options_.image_mean},
                                     std::pair{"image_std", &options_.image_std}}) {
    if (values->size() == 3) continue;
    throw config_error(
        str("model.", name, " has ", values->size(), " values; expected 3, one a channel"));
  }
  const int64_t pool = options_.reason.image_adapter.pool, grid = options_.vision.grid();
  if (pool > grid) {
    throw config_error(str("model.reason.image_adapter.pool is ", pool,
                           ", but the image tower has ", grid, " x ", grid, " patches"));
  }
  const auto latent = denoiser_->latent_shape(options_.denoiser.picture_side);
  const auto sampler = diffusion::Sampler::make(options_.scheduler);
  try {
    sampler->set_timesteps(options_.inference.steps,
                           denoiser_->sequence_length(latent[1], latent[2]));
  } catch (const Error& problem) {
    throw config_error(str("model.inference.steps: ", problem.what()));
  }
}

std::unique_ptr<Processor> Pipeline::make_processor() const {
  PromptProcessing prompt;
  if (options_.flux_text.prompt_embeds) {
    prompt = {
        load_fitting_tokenizer(options_.tokenizers.text_2, "text_2", options_.text_2.vocab_size),
        options_.flux_text.max_sequence_length};
  }
  return std::make_unique<Processor>(
      options_.reason, options_.denoiser,
      VisionProcessing{options_.vision.image_size, options_.vision.patch_size, options_.image_mean,
                       options_.image_std},
      options_.text.max_position_embeddings,
      load_fitting_tokenizer(options_.tokenizers.llm, "llm", options_.llm.vocab_size),
      load_fitting_tokenizer(options_.tokenizers.text, "text", options_.text.vocab_size),
      std::move(prompt));
}

void Pipeline::build(uint64_t seed, const nn::StateDict* own, const std::string& origin) {
  const nn::Build plain{placement_.options()};
  const nn::Build tower = plain.normal(options_.initializer_range);
  const PartsOptions& parts = options_.parts;

  auto vision = load_or_init(parts.vision, "vision", seed, options_.vision,
                             models::clip::load_vision, tower, /*with_projection=*/false);
  auto text = load_or_init(parts.text, "text", seed, options_.text, models::clip::load_text, tower,
                           /*with_projection=*/false);
  nn::StateDict projector;  // of LLaVA
  const auto load_llm = [&](const std::string& path, const nn::Build& build) {
    LlmPart part = load_llm_part(path, build);
    projector = part.projector;
    return part;
  };
  auto llm = load_or_init(parts.llm, "llm", seed, options_.llm, load_llm, tower);
  encoder =
      register_module("encoder", Encoder(options_.reason, vision, text, build_text_2(seed, plain)));

  const ModelSizes sizes{options_.vision.hidden_size, options_.text.hidden_size};
  options_.qformer.encoder_hidden_size = options_.llm.hidden_size;
  const nn::Build own_build = plain.normal(options_.reason.initializer_range);
  model = register_module("model", Model(options_.reason, sizes, llm, options_.qformer, own_build));

  models::vae::AutoencoderKL vae = nullptr;
  if (options_.denoiser.codec == LatentCodec::kAutoencoderKl)
    vae = load_or_init(parts.vae, "vae", seed, options_.vae, models::vae::load, plain);
  const std::shared_ptr<Denoiser> denoiser = build_denoiser(seed, vae);
  denoiser_ = register_module("denoiser", denoiser);
  require_usable_options();

  if (own == nullptr) {
    nn::init_weights(*denoiser, seed, "denoiser", /*skip=*/{"unet", "flux", "vae"});
    nn::init_weights(*model, seed, "model", /*skip=*/{"llm"});
    model->init_new_rows(seed);
    if (!projector.empty()) model->start_image_adapter(projector, parts.llm.path);
  } else {
    load_own_weights(*model, *denoiser, *own, origin);
  }
  // On the meta device there are sizes only: no words, no pictures.
  if (!placement_.device.is_meta()) processor_ = make_processor();
}

std::shared_ptr<Pipeline> Pipeline::create(const PipelineOptions& options,
                                           const Placement& placement, uint64_t seed) {
  std::shared_ptr<Pipeline> pipeline(new Pipeline(options, placement));
  PipelineOptions& own = pipeline->options_;
  if (own.tokenizers.llm.empty()) own.tokenizers.llm = own.parts.llm.path;
  if (own.tokenizers.text.empty()) own.tokenizers.text = own.parts.text.path;
  if (own.tokenizers.text_2.empty()) own.tokenizers.text_2 = own.parts.text_2.path;
  pipeline->build(seed, nullptr, "");
  require_rank(*pipeline->model->llm, "llm", own.parts.llm);
  require_rank(*pipeline->backbone_, "denoiser", own.parts.denoiser);
  return pipeline;
}

void Pipeline::set_training(const PartsOptions& parts) {
  for (auto part : {&PartsOptions::vision, &PartsOptions::text, &PartsOptions::llm,
                    &PartsOptions::vae, &PartsOptions::denoiser, &PartsOptions::text_2}) {
    (options_.parts.*part).train = (parts.*part).train;
    (options_.parts.*part).lora = (parts.*part).lora;
  }
  require_rank(*model->llm, "llm", parts.llm);
  require_rank(*backbone_, "denoiser", parts.denoiser);
}

void Pipeline::train_joint(uint64_t seed) {
  const PartsOptions& parts = options_.parts;
  parts.validate();
  nn::set_requires_grad(*this, false);
  encoder->train_towers(parts.vision.train == TrainMode::kFull,
                        parts.text.train == TrainMode::kFull);
  model->train_reasoning();
  model->train_conditioning();
  nn::set_requires_grad(*model->llm, parts.llm.train == TrainMode::kFull);
  denoiser_->train_backbone(parts.denoiser.train == TrainMode::kFull);
  denoiser_->train_adapter(/*residuals=*/true);
  if (parts.denoiser.train == TrainMode::kAttention) train_attention(*denoiser_);
  if (parts.denoiser.train == TrainMode::kLora) ensure_lora(*backbone_, parts.denoiser.lora, seed);
  if (parts.llm.train == TrainMode::kLora) ensure_llm_lora(seed);
}

void Pipeline::ensure_llm_lora(uint64_t seed) {
  ensure_lora(*model->llm, options_.parts.llm.lora, seed);
}

torch::nn::Module* Pipeline::adapted_part(const std::string& name) {
  if (name == "llm") return model->llm.get();
  return name == "denoiser" ? backbone_.get() : nullptr;
}

Inputs Pipeline::encode(const EncoderInputs& inputs) {
  Inputs out = encoder->forward(inputs);
  torch::NoGradGuard no_grad;  // the codec never learns here
  out.source = denoiser_->encode(inputs.pixels.to(placement_.dtype));
  return out;
}

}  // namespace reasonbrain::reason
