#include "reason/hallucination_options.h"

#include <algorithm>
#include <cmath>

namespace reasonbrain::reason {
namespace {

constexpr int64_t kWarmupSteps = 8;  // shapes change with each: few, for the allocator's sake

void describe_apply_at(OptionVisitor& v, ApplyAt& value, const std::string& help) {
  v.choice("apply_at", value, {"both", "train", "infer"}, {.help = help});
}

}  // namespace

void TokenSelectionOptions::describe(OptionVisitor& v) {
  v.field("enabled", enabled, {.help = "Whether picture tokens are selected"});
  v.choice("mode", mode, {"keep_top", "keep_bottom"},
           {.help = "Keep the most or the least attended ones"});
  v.field("layer", layer, {.help = "LLM layer whose attention scores them", .min = 0, .max = 999});
  v.field("keep_ratio", keep_ratio, {.help = "Share that is kept", .min = 0, .max = 1});
  v.field("keep_min", keep_min, {.help = "Number kept at least", .min = 1, .max = 1e6});
  v.field("keep_count", keep_count,
          {.help = "Number kept; 0: by keep_ratio and keep_min", .min = 0, .max = 1e6});
  v.choice("rows", rows, {"last", "instruction", "img", "mixed"},
           {.help = "Whose attention counts: the last guidance token's, instruction and objects', "
                    "the guidance tokens', or both"});
  v.field("instruction_weight", instruction_weight,
          {.help = "Share of instruction and objects in mixed rows", .min = 0, .max = 1});
  v.choice("eligible", eligible, {"vision", "vision_and_local"},
           {.help = "What may go: the image tokens, or the patch cues as well"});
  v.choice("execution", execution, {"auto", "mask", "drop"},
           {.help = "Hide what goes, or compute without it; auto: drop, but mask in explanations"});
  v.field("keep_all_prob", keep_all_prob,
          {.help = "Share of training batches that keep all", .min = 0, .max = 1});
  v.field(
      "warmup_samples", warmup_samples,
      {.help = "First samples of each stage that trains the LLM, over which the kept share goes "
               "from 1 to keep_ratio, in eight steps",
       .unit = "samples",
       .min = 0,
       .max = 1e12});
  describe_apply_at(v, apply_at, "Select in training, in evaluation and editing, or in both");
}

int64_t TokenSelectionOptions::count(int64_t num_eligible) const {
  const double share = std::ceil(keep_ratio * static_cast<double>(num_eligible) - 1e-9);
  const int64_t wanted = std::min(
      keep_count > 0 ? keep_count : std::max(keep_min, static_cast<int64_t>(share)), num_eligible);
  return num_eligible - std::llround(cut * static_cast<double>(num_eligible - wanted));
}

double TokenSelectionOptions::strength(int64_t num_samples) const {
  if (num_samples >= warmup_samples) return 1;
  return static_cast<double>(num_samples * kWarmupSteps / warmup_samples) / kWarmupSteps;
}

TokenSelectionOptions TokenSelectionOptions::at(const SelectionDraw& draw) const {
  TokenSelectionOptions out = *this;
  if (draw.strength == 0 || !applies(apply_at, draw.training)) out.enabled = false;
  out.cut = draw.strength;
  return out;
}

void ContrastOptions::describe(OptionVisitor& v) {
  v.field("enabled", enabled, {.help = "Whether training runs the second pass"});
  v.field("weight", weight, {.help = "Weight of the loss", .min = 0, .max = 1000});
  v.field(
      "margin", margin,
      {.help = "Wanted cosine distance of the two passes' guidance states", .min = 0, .max = 2});
  v.field("keep_ratio", keep_ratio,
          {.help = "Share of picture tokens in the second pass", .min = 0, .max = 1});
  v.field("every", every,
          {.help = "One training batch in so many, drawn, runs it", .min = 1, .max = 1e6});
}

TokenSelectionOptions ContrastOptions::selection(const TokenSelectionOptions& base) const {
  TokenSelectionOptions out = base;
  out.enabled = true;
  out.mode = SelectionMode::kKeepBottom;
  out.keep_ratio = keep_ratio;
  out.keep_min = 1;
  out.keep_count = 0;
  return out;
}

void TokenPropagationOptions::describe(OptionVisitor& v) {
  v.field("enabled", enabled,
          {.help = "Whether attention logits are scaled by head, or their growth is penalised"});
  v.choice("form", form, {"activation", "weight", "relative", "penalty"},
           {.help = "Factors from queries and keys, from their weights, or from how the weights "
                    "changed; penalty: no factor, but a loss on that change"});
  v.field("gamma", gamma, {.help = "Scale of activation and weight", .min = 0, .max = 100});
  v.field("xi", xi, {.help = "Added to the spectrum's size", .min = 0, .max = 1});
  v.field("clamp", clamp, {.help = "relative: farthest from 1", .min = 0, .max = 1});
  v.choice("granularity", granularity, {"head", "batch"},
           {.help = "activation: by sample and head, or one factor for the batch as published"});
  v.field("layers", layers, {.help = "LLM layers; empty: all", .min = 0, .max = 999});
  v.field("penalty_weight", penalty_weight,
          {.help = "penalty: weight of the loss; 0: measured only", .min = 0, .max = 1e6});
  describe_apply_at(v, apply_at, "Scale in training, in evaluation and editing, or in both");
}

}  // namespace reasonbrain::reason
