// FLUX as a component of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::flux {

Component flux_component();

}  // namespace reasonbrain::models::flux
