// How the denoiser is built around its backbone. Saved in reason/config.json.
#pragma once

#include <cstdint>

#include "reasonbrain/describe.h"

namespace reasonbrain::reason {

enum class Backbone { kUNet, kFlux };

enum class LatentCodec { kAutoencoderKl, kPixelBlocks };

// kAuto follows the scheduler's prediction_type. kCopyPaint: the backbone returns (paint, gate) and
// x0 = (1 - g) source + g (ground + paint) is presented to the sampler as `sample`; the ground is
// each channel's median over the source picture, so that what was taken away leaves paint 0.
enum class Prediction { kAuto, kCopyPaint };

// How FLUX is given the source picture. kChannel: a linear layer of its latents is added to the
// embedded tokens. kSequence: its tokens stand behind those of the picture to paint (FLUX Kontext).
enum class SourceMode { kChannel, kSequence };

struct DenoiserOptions {
  Backbone backbone = Backbone::kUNet;
  LatentCodec codec = LatentCodec::kAutoencoderKl;
  int64_t pixel_block = 4;  // side of the square that pixel_blocks folds into channels
  Prediction prediction = Prediction::kAuto;
  bool scale_source = true;  // false: source latents unscaled, as InstructPix2Pix weights expect
  SourceMode source_mode = SourceMode::kChannel;  // of FLUX
  double distilled_guidance = 1.0;                // the scale told to guidance-distilled weights
  int64_t picture_side = 512;                     // S
  void describe(OptionVisitor& v);
};

}  // namespace reasonbrain::reason
