// The classes and functions that the pickle of a state dict may name. None of them is ever called:
// a role says what the interpreter does in its place.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace reasonbrain::io::pickle {

enum class Role {
  kOrderedDict,
  kTensor,           // torch._utils._rebuild_tensor_v2 and its forerunner
  kTensorWithDtype,  // _rebuild_tensor_v3
  kFirstArgument,    // stands for its first argument
  kStorage,
  kDtype,
  kOpaque,  // what trainers leave beside the weights; its content is not looked at
};

struct Global {
  std::string_view module, name;
  Role role;
  int64_t dtype = 0;  // kStorage, kDtype: a Dtype, or kUntyped
};

const std::vector<Global>& globals();

// Index in globals(), or -1.
int64_t find_global(std::string_view module, std::string_view name);

}  // namespace reasonbrain::io::pickle
