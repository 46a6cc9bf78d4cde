// LLaMA as a component of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::llama {

Component llama_component();

}  // namespace reasonbrain::models::llama
