// LLaVA as a component of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::llava {

Component llava_component();

}  // namespace reasonbrain::models::llava
