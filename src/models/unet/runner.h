// The UNet as a component of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::unet {

Component unet_component();

}  // namespace reasonbrain::models::unet
