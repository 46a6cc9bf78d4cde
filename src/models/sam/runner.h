// SAM as a component of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::sam {

Component sam_component();

}  // namespace reasonbrain::models::sam
