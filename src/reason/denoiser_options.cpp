#include "reason/denoiser_options.h"

namespace reasonbrain::reason {

void DenoiserOptions::describe(OptionVisitor& v) {
  v.choice("backbone", backbone, {"unet", "flux"}, {.help = "Which network denoises"});
  v.choice("codec", codec, {"autoencoder_kl", "pixel_blocks"}, {.help = "What a latent is"});
  v.field("pixel_block", pixel_block,
          {.help = "Side of the square that pixel_blocks folds into channels",
           .unit = "pixels",
           .min = 1,
           .max = 64});
  v.choice("prediction", prediction, {"auto", "copy_paint"},
           {.help = "What the backbone predicts; auto follows the scheduler's prediction_type"});
  v.field("scale_source", scale_source,
          {.help = "Multiply source latents by the codec's scaling factor (InstructPix2Pix "
                   "weights: false)"});
  v.choice("source_mode", source_mode, {"channel", "sequence"},
           {.help = "FLUX: source latents added to the embedded tokens, or as tokens behind them"});
  v.field("distilled_guidance", distilled_guidance,
          {.help = "FLUX with guidance_embeds: the scale that the network is told",
           .min = 0,
           .max = 100});
  v.field("picture_side", picture_side,
          {.help = "Side of the square canvas that is edited",
           .unit = "pixels",
           .min = 8,
           .max = 4096});
}

}  // namespace reasonbrain::reason
