// How a dtype of a safetensors file is called in LibTorch.
#pragma once

#include "io/safetensors_format.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::io {

torch::ScalarType to_scalar_type(Dtype dtype);
Dtype to_dtype(torch::ScalarType type);  // Error(kRuntime) for types that the format lacks

}  // namespace reasonbrain::io
