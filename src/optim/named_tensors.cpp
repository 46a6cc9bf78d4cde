#include "optim/named_tensors.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::optim {

void copy_by_name(const TensorMap& wanted, const TensorMap& saved, const std::string& what) {
  for (const auto& [name, tensor] : wanted) {
    const auto found = saved.find(name);
    if (found == saved.end()) throw data_error(what + " lacks '" + name + "'");
    if (found->second.sizes() != tensor.sizes()) {
      throw data_error(reasonbrain::str(what, " holds '", name, "' of shape ",
                                        found->second.sizes(), ", expected ", tensor.sizes()));
    }
  }
  for (const auto& entry : saved) {
    if (!wanted.contains(entry.first)) {
      throw data_error(what + " holds '" + entry.first + "', which is not trained here");
    }
  }
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : wanted) tensor.copy_(saved.at(name));
}

}  // namespace reasonbrain::optim
