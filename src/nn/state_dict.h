// A module's parameters and buffers by name, and strict loading.
#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace reasonbrain::nn {

using StateDict = std::map<std::string, torch::Tensor>;

StateDict state_dict(const torch::nn::Module& module, const std::string& prefix = "");

// What keeps weights from fitting a module.
struct KeyProblems {
  std::vector<std::string> missing, unexpected, mismatched;
};

// Error(kData) that names `origin` and lists the problems, unless there are none.
void require_fit(const KeyProblems& problems, const std::string& origin);

struct LoadPolicy {
  std::string origin;  // named in errors: the folder or file
  std::function<bool(const std::string&)>
      may_be_missing;  // keys the module has and the file may lack
  std::function<bool(const std::string&)> may_be_extra;  // keys of the file that are ignored
};

// Copies `weights` into the tensors of `own`, converting dtype and device. Throws Error(kData)
// listing missing, unexpected and mismatched keys.
void load_tensors(StateDict& own, const StateDict& weights, const LoadPolicy& policy);

// The same for a module's parameters and buffers.
void load_state_dict(torch::nn::Module& module, const StateDict& weights, const LoadPolicy& policy);

}  // namespace reasonbrain::nn
