// Everything that decides what a ReasonBrain is built from: the `model` section of a configuration.
#pragma once

#include <string>

#include "diffusion/scheduler_config.h"
#include "models/clip/config.h"
#include "models/flux/config.h"
#include "models/llama/config.h"
#include "models/lora.h"
#include "models/qformer/config.h"
#include "models/t5/config.h"
#include "models/unet/config.h"
#include "models/vae/config.h"
#include "reason/denoiser_options.h"
#include "reason/flux_text_options.h"
#include "reason/options.h"

namespace reasonbrain::reason {

// kAttention: the transformer blocks of a UNet, as Tab. A4's total at 7B suggests.
enum class TrainMode { kFrozen, kFull, kLora, kAttention };

// A pretrained (or fresh) part.
struct PartOptions {
  std::string path;  // Hugging Face folder; "": built from its configuration and initialised
  TrainMode train = TrainMode::kFrozen;
  models::LoraOptions lora;
  void describe(OptionVisitor& v);
};

struct PartsOptions {
  PartOptions vision, text, llm, vae;
  PartOptions denoiser = {.lora = {.targets = {"to_q", "to_k", "to_v", "to_out.0"}}};
  PartOptions text_2;  // T5, with flux_text.prompt_embeds
  void describe(OptionVisitor& v);

  // Throws Error(kConfig) for a part with a mode that it does not have.
  void validate() const;
};

using PartMember = PartOptions PartsOptions::*;

// The part whose weights a Pipeline has under this name of a parameter or buffer; nullptr: they are
// ReasonBrain's own.
PartMember part_of(const std::string& name);

// Who finds the objects of an instruction: text/objects.h, or the language model asked once.
enum class ObjectSource { kRules, kModel };

// What `edit` does unless told otherwise; saved with the model.
struct InferenceOptions {
  int64_t steps = 28;
  double guidance = 1.0;
  double image_guidance = 1.0;
  std::string region_source = "kmeans";
  ObjectSource object_source = ObjectSource::kRules;
  void describe(OptionVisitor& v);
};

struct TokenizerOptions {
  std::string llm;     // folder with tokenizer.model or tokenizer.json; "": that of parts.llm.path
  std::string text;    // folder with vocab.json and merges.txt; "": that of parts.text.path
  std::string text_2;  // folder with spiece.model or tokenizer.json; "": that of parts.text_2.path
  void describe(OptionVisitor& v);
};

struct PipelineOptions {
  std::string preset = "custom";
  PartsOptions parts;
  TokenizerOptions tokenizers;
  models::clip::VisionConfig vision;  // of parts without a path
  models::clip::TextConfig text;
  models::t5::T5Config text_2;
  models::llama::LlamaConfig llm;
  models::vae::VaeConfig vae;
  models::unet::UNetConfig unet;
  models::flux::FluxConfig flux;  // with denoiser.backbone flux
  models::qformer::QFormerConfig qformer;
  std::vector<double> image_mean = {0.48145466, 0.4578275, 0.40821073};
  std::vector<double> image_std = {0.26862954, 0.26130258, 0.27577711};
  double initializer_range = 0.02;  // of fresh transformer parts
  diffusion::SchedulerConfig scheduler;
  ReasonOptions reason;
  DenoiserOptions denoiser;
  FluxTextOptions flux_text;
  InferenceOptions inference;
  void describe(OptionVisitor& v);
};

}  // namespace reasonbrain::reason
