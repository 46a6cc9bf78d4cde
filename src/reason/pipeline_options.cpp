#include "reason/pipeline_options.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {

void PartOptions::describe(OptionVisitor& v) {
  v.field("path", path,
          {.help = "Hugging Face folder of the part; empty: fresh, from its configuration"});
  v.choice("train", train, {"frozen", "full", "lora", "attention"},
           {.help = "What of the part learns in the joint stage; lora: adapters of the LLM or the "
                    "denoiser; attention: the denoiser's transformer blocks"});
  v.group("lora", lora, {.help = "Adapter of train: lora"});
}

void PartsOptions::describe(OptionVisitor& v) {
  v.group("vision", vision, {.help = "CLIP image tower"});
  v.group("text", text, {.help = "CLIP text tower"});
  v.group("llm", llm,
          {.help = "LLaMA, or LLaVA: its language half, and its projector to start IA from"});
  v.group("vae", vae, {.help = "AutoencoderKL, for codec autoencoder_kl"});
  v.group("denoiser", denoiser, {.help = "UNet2DConditionModel or FluxTransformer2DModel"});
  v.group("text_2", text_2, {.help = "T5 encoder, for flux_text.prompt_embeds"});
}

void PartsOptions::validate() const {
  const auto refuse = [](const char* part, TrainMode got, TrainMode refused, const char* message) {
    if (got == refused) throw config_error(str("model.parts.", part, ".train is ", message));
  };
  for (const auto& [name, part] : {std::pair{"vision", &vision}, std::pair{"text", &text}}) {
    refuse(name, part->train, TrainMode::kLora,
           "lora; adapters are trained on the LLM and the denoiser, set frozen or full");
  }
  for (const auto& [name, part] :
       {std::pair{"vision", &vision}, std::pair{"text", &text}, std::pair{"llm", &llm}}) {
    refuse(name, part->train, TrainMode::kAttention,
           "attention; only the denoiser has that, set frozen or full");
  }
  for (const auto& [name, part] : {std::pair{"text_2", &text_2}, std::pair{"vae", &vae}}) {
    if (part->train == TrainMode::kFrozen) continue;
    throw config_error(
        str("model.parts.", name, ".train is not frozen; this part is only read, set frozen"));
  }
}

PartMember part_of(const std::string& name) {
  static constexpr std::pair<const char*, PartMember> kPrefixes[] = {
      {"encoder.vision.", &PartsOptions::vision}, {"encoder.text.", &PartsOptions::text},
      {"encoder.text_2.", &PartsOptions::text_2}, {"model.llm.", &PartsOptions::llm},
      {"denoiser.vae.", &PartsOptions::vae},      {"denoiser.unet.", &PartsOptions::denoiser},
      {"denoiser.flux.", &PartsOptions::denoiser}};
  for (const auto& [prefix, part] : kPrefixes) {
    if (starts_with(name, prefix)) return part;
  }
  return nullptr;
}

void InferenceOptions::describe(OptionVisitor& v) {
  v.field("steps", steps, {.help = "Denoising steps", .min = 1, .max = 1000});
  v.field("guidance", guidance, {.help = "Text guidance s_T; 1: off", .min = 0, .max = 100});
  v.field("image_guidance", image_guidance,
          {.help = "Image guidance s_I; 1: off", .min = 0, .max = 100});
  v.field("region_source", region_source,
          {.help = "Regions when none are given: kmeans, grid, none or file (none as well); sam "
                   "needs `edit --sam`"});
  v.choice("object_source", object_source, {"rules", "model"},
           {.help = "Who finds objects that are not given: rules, or the LLM asked once, whose "
                    "answer is checked against the instruction"});
}

void TokenizerOptions::describe(OptionVisitor& v) {
  v.field("llm", llm, {.help = "Folder of the LLM's tokenizer; empty: the part's own"});
  v.field("text", text, {.help = "Folder of the CLIP tokenizer; empty: the part's own"});
  v.field("text_2", text_2, {.help = "Folder of the T5 tokenizer; empty: the part's own"});
}

void PipelineOptions::describe(OptionVisitor& v) {
  v.field("preset", preset, {.help = "Name of the preset, for the record"});
  v.group("parts", parts, {.help = "Where each part comes from and what of it learns"});
  v.group("tokenizers", tokenizers, {.help = "Tokenizers of fresh parts"});
  v.group("vision", vision, {.help = "CLIP image tower, when fresh"});
  v.group("text", text, {.help = "CLIP text tower, when fresh"});
  v.group("text_2", text_2, {.help = "T5 encoder, when fresh"});
  v.group("llm", llm, {.help = "LLaMA, when fresh"});
  v.group("vae", vae, {.help = "AutoencoderKL, when fresh"});
  v.group("unet", unet, {.help = "UNet, when fresh"});
  v.group("flux", flux, {.help = "FLUX transformer, when fresh"});
  v.group("qformer", qformer, {.help = "QFormer"});
  v.field("image_mean", image_mean,
          {.help = "Mean of the image tower's normalisation, per channel"});
  v.field("image_std", image_std, {.help = "Standard deviation of it, per channel", .min = 1e-6});
  v.field("initializer_range", initializer_range,
          {.help = "Standard deviation of fresh transformer weights", .min = 0, .max = 1});
  v.group("scheduler", scheduler, {.help = "Noise schedule and sampler, by diffusers' names"});
  v.group("reason", reason, {.help = "ReasonBrain's own parts"});
  v.group("denoiser", denoiser, {.help = "How the denoiser is built around its backbone"});
  v.group("flux_text", flux_text, {.help = "What FLUX is told beside the context"});
  v.group("inference", inference, {.help = "Defaults of editing"});
}

}  // namespace reasonbrain::reason
