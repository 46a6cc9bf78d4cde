// Tensors by their full parameter name.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace reasonbrain::optim {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;
using TensorMap = std::map<std::string, torch::Tensor>;

// Copies `saved` into the tensors of `wanted` that have the same key. Both must hold the same keys
// and shapes, or nothing is copied and Error(kData) names the first key that does not fit. `what`
// names the content in the message, such as "optimizer state".
void copy_by_name(const TensorMap& wanted, const TensorMap& saved, const std::string& what);

}  // namespace reasonbrain::optim
