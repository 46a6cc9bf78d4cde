#include "reason/inputs.h"

namespace reasonbrain::reason {

EncoderInputs EncoderInputs::to(torch::Device device) const {
  EncoderInputs out = *this;
  for (torch::Tensor* tensor :
       {&out.pixels, &out.vision_pixels, &out.prefix_ids, &out.instruction_ids,
        &out.instruction_mask, &out.clip_ids, &out.clip_mask, &out.object_ids, &out.object_mask,
        &out.region_weights, &out.region_geometry, &out.region_mask, &out.t5_ids}) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  return out;
}

}  // namespace reasonbrain::reason
