// Registering a submodule under a dotted path, so that a parameter carries the reference's name
// ("to_out.0.weight") without a class of ours for every container of the reference.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>

namespace reasonbrain::models {

// Returns `module`, registered as owner.PATH; plain containers on the way are created where
// missing.
template <class Holder>
Holder register_at(torch::nn::Module& owner, const std::string& path, Holder module) {
  const size_t dot = path.find('.');
  if (dot == std::string::npos) {
    owner.register_module(path, module);
    return module;
  }
  const std::string head = path.substr(0, dot);
  const auto children = owner.named_children();
  const auto* found = children.find(head);
  const auto container = found != nullptr ? *found : std::make_shared<torch::nn::Module>();
  if (found == nullptr) owner.register_module(head, container);
  return register_at(*container, path.substr(dot + 1), module);
}

}  // namespace reasonbrain::models
