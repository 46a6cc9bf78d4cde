// The towers: pixels and ids -> Inputs. What it returns depends on frozen weights only where the
// towers are frozen, so that it can be cached without touching the model.
#pragma once

#include "models/clip/text.h"
#include "models/clip/vision.h"
#include "models/t5/t5.h"
#include "reason/inputs.h"
#include "reason/options.h"

namespace reasonbrain::reason {

class EncoderImpl : public nn::Module {
 public:
  EncoderImpl(const ReasonOptions& options, models::clip::VisionModel vision,
              models::clip::TextModel text, models::t5::T5Encoder text_2 = nullptr);

  // Everything but the source latents, which the denoiser's codec makes.
  Inputs forward(const EncoderInputs& inputs);

  // Decides which towers learn; what of them nothing reads never does.
  void train_towers(bool vision_learns, bool text_learns);

  models::clip::VisionModel vision = nullptr;
  models::clip::TextModel text = nullptr;
  models::t5::T5Encoder text_2 = nullptr;  // empty unless FLUX reads its states; never learns

 private:
  int64_t select_layer_;  // from 0
  std::vector<int64_t> layers_;
  int64_t num_layers_;  // vision layers that have to run
};
TORCH_MODULE(Encoder);

}  // namespace reasonbrain::reason
