#include "reason/options.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {

void PromptOptions::describe(OptionVisitor& v) {
  v.field("prefix", prefix, {.help = "Text before the picture, after the BOS token"});
  v.field("after_vision", after_vision, {.help = "Text between the cues and the instruction"});
  v.field("suffix", suffix, {.help = "Text between the instruction and the guidance tokens"});
  v.field("max_instruction_tokens", max_instruction_tokens,
          {.help = "Longest instruction, prompt texts included",
           .unit = "tokens",
           .min = 1,
           .max = 4096});
}

void ImageAdapterOptions::describe(OptionVisitor& v) {
  v.field("select_layer", select_layer,
          {.help = "CLIP hidden state that the adapter reads; negative counts from the end",
           .min = -64,
           .max = 64});
  v.field("pool", pool,
          {.help = "Side of the patch square averaged into one token", .min = 1, .max = 16});
  v.choice("type", type, {"linear", "mlp2x_gelu"}, {.help = "Projector, as LLaVA names it"});
}

void FrceOptions::describe(OptionVisitor& v) {
  v.field("patch", patch, {.help = "Patch branch R_local"});
  v.field("region", region, {.help = "Region branch R_global"});
  v.field("to_cme", to_cme,
          {.help = "Whether the cues reach the cross-modal enhancer as well as the LLM"});
  v.field("layers", layers,
          {.help = "CLIP hidden states of the multi-scale features", .min = 0, .max = 64});
  v.field("patch_layers", patch_layers,
          {.help = "Transformer layers over patches", .min = 1, .max = 48});
  v.field("region_layers", region_layers,
          {.help = "Transformer layers over regions", .min = 1, .max = 48});
  v.choice("region_input", region_input, {"features", "tower"},
           {.help = "What regions are pooled from: the summed features F, or the image tower's "
                    "own hidden states at their full width"});
  v.field("max_regions", max_regions,
          {.help = "Regions kept per picture, largest first", .min = 1, .max = 255});
}

void IdControllerOptions::describe(OptionVisitor& v) {
  v.field("enabled", enabled,
          {.help = "Enrich object tokens with visual context; off: R_T = projected objects"});
  v.choice("query", query, {"object", "visual"},
           {.help = "Which side asks in its cross-attention"});
  v.field("max_objects", max_objects,
          {.help = "Object phrases kept per instruction", .min = 1, .max = 64});
}

void CmeOptions::describe(OptionVisitor& v) {
  v.choice("mode", mode, {"full", "reasoning_to_editing", "simple_ca", "plain"},
           {.help = "Wiring of the cross-modal enhancer"});
  v.field("visual", visual, {.help = "Visual enhancer"});
  v.field("textual", textual, {.help = "Textual enhancer"});
}

void ReasonOptions::describe(OptionVisitor& v) {
  v.field("width", width, {.help = "Width d of the cues and the enhancer", .min = 4, .max = 16384});
  v.field("num_heads", num_heads,
          {.help = "Attention heads of the cue extractor and the enhancer", .min = 1, .max = 256});
  v.field("num_guidance_tokens", num_guidance_tokens,
          {.help = "Guidance tokens [IMG_1..r]", .min = 1, .max = 256});
  v.field("num_queries", num_queries,
          {.help = "Queries of the QFormer and of each enhancer", .min = 1, .max = 1024});
  v.field("initializer_range", initializer_range,
          {.help = "Standard deviation of new weights; about 1/sqrt(width) for small models",
           .min = 0,
           .max = 1});
  v.choice("mllm_scope", mllm_scope, {"img_tokens", "answer_words"},
           {.help = "What L_MLLM scores: the guidance tokens themselves (Eq. A1) or the outcome's "
                    "words at them"});
  v.group("prompt", prompt, {.help = "Text of the LLM's sequence"});
  v.group("image_adapter", image_adapter, {.help = "IA, between CLIP and the LLM"});
  v.group("frce", frce, {.help = "Fine-grained reasoning cue extraction"});
  v.group("idc", idc, {.help = "ID Controller"});
  v.group("cme", cme, {.help = "Cross-modal enhancer"});
  v.group("token_selection", token_selection,
          {.help = "Which picture tokens the LLM's later layers see"});
  v.group("token_propagation", token_propagation,
          {.help = "Scales the LLM's attention logits by head"});
  v.group("contrast", contrast,
          {.help = "Loss against what the LLM says with the least attended picture tokens"});
}

void ReasonOptions::validate() const {
  if (width % num_heads != 0) {
    throw config_error(
        str("reason.width ", width, " is not a multiple of reason.num_heads ", num_heads));
  }
  if (width % 4 != 0)
    throw config_error(str("reason.width ", width, " is not a multiple of 4 (2-D positions)"));
  if (frce.layers.empty())
    throw config_error("reason.frce.layers is empty; name at least one CLIP hidden state");
  if (token_selection.warmup_samples > 0 && token_selection.keep_count > 0) {
    throw config_error(
        "reason.token_selection.warmup_samples warms up keep_ratio, which keep_count overrides; "
        "set one of them to 0");
  }
}

}  // namespace reasonbrain::reason
