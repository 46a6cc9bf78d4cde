// The T5 encoder as a component of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::t5 {

Component encoder_component();  // t5-encoder

}  // namespace reasonbrain::models::t5
