// The QFormer as a component of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::qformer {

Component qformer_component();

}  // namespace reasonbrain::models::qformer
