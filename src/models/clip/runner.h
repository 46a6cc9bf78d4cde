// The CLIP towers as components of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::clip {

Component vision_component();  // clip-vision
Component text_component();    // clip-text

}  // namespace reasonbrain::models::clip
