#include "tasks/options.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::tasks {

void LossOptions::describe(OptionVisitor& v) {
  v.field("mllm", mllm, {.help = "Weight of L_MLLM", .min = 0, .max = 1000});
  v.field("dm", dm, {.help = "Weight of L_DM", .min = 0, .max = 1000});
  v.field("l1", l1,
          {.help = "Weight of the L1 distance of the predicted picture", .min = 0, .max = 1000});
  v.field("edit_weight", edit_weight,
          {.help = "Weight of pixels that any outcome changes, against 1 elsewhere",
           .min = 0,
           .max = 1000});
  v.field("edit_share", edit_share,
          {.help = "Share of the weight that is spread over the pixels that tell a sample's target "
                   "from its other outcomes, the same for each of them however small or pale the "
                   "difference; the rest is by edit_weight",
           .min = 0,
           .max = 1});
  v.field("labels", labels,
          {.help = "Weight of attribute words on region and object tokens", .min = 0, .max = 1000});
  v.field("align", align,
          {.help = "Weight of the context's distance to the painter stage's encoding of the answer",
           .min = 0,
           .max = 1000});
}

void MixOptions::describe(OptionVisitor& v) {
  const auto share = [&](const char* name, double& value, const char* help) {
    v.field(name, value, {.help = help, .min = 0, .max = 1});
  };
  share("drop_regions", drop_regions, "Share of samples without any region");
  share("grid_regions", grid_regions, "Share of samples with a grid in place of regions");
  share("kmeans_regions", kmeans_regions, "Share of samples with regions found by k-means");
  share("rule_objects", rule_objects, "Share of samples with objects found by rules");
  share("drop_text", drop_text, "Share of samples without context");
  share("drop_image", drop_image, "Share of samples without source latents");
  share("drop_both", drop_both, "Share of samples without both");
  share("open_gate", open_gate,
        "Joint stage: share of samples in which copy_paint must paint the pixels that change, for "
        "paint learns nothing where its gate is shut");
}

void EvaluationOptions::describe(OptionVisitor& v) {
  v.field("samples", samples, {.help = "Validation samples per evaluation", .min = 1, .max = 1e6});
  v.field("previews", previews,
          {.help = "Validation samples shown in preview pictures", .min = 1, .max = 256});
  v.field("batch_size", batch_size,
          {.help = "Validation samples computed at once", .min = 1, .max = 4096});
}

void TaskOptions::describe(OptionVisitor& v) {
  v.group("reasoner", reasoner,
          {.help = "Losses of the stage that trains towers, cue extraction and LLM"});
  v.group("painter", painter,
          {.help = "Losses of the stage that trains the denoiser on the answer's words"});
  v.group("joint", joint, {.help = "Losses of the stage that trains the whole model"});
  v.group("mix", mix, {.help = "Inputs replaced or dropped in part of the samples"});
  v.group("time", time, {.help = "Noise levels of training"});
  v.group("evaluation", evaluation, {.help = "Validation during training"});
  v.field(
      "mllm_lr_scale", mllm_lr_scale,
      {.help =
           "Learning rate of towers, cue extraction and LLM in the joint stage, times the stage's",
       .min = 0,
       .max = 100});
  v.field("denoiser_lr_scale", denoiser_lr_scale,
          {.help = "Learning rate of the denoiser in the joint stage, times the stage's",
           .min = 0,
           .max = 100});
}

void TaskOptions::validate() const {
  constexpr double kRounding = 1e-9;  // of 0.7 + 0.2 + 0.1
  const auto require_at_most_one = [](double sum, const char* names) {
    if (sum > 1 + kRounding)
      throw config_error(str("task.mix: ", names, " add up to ", sum, ", expected at most 1"));
  };
  require_at_most_one(mix.drop_regions + mix.grid_regions + mix.kmeans_regions,
                      "drop_regions, grid_regions and kmeans_regions");
  require_at_most_one(mix.drop_text + mix.drop_image + mix.drop_both,
                      "drop_text, drop_image and drop_both");
}

}  // namespace reasonbrain::tasks
