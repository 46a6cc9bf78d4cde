#include "nn/module.h"

#include <algorithm>
#include <cmath>

#include "core/rng_tensor.h"

namespace reasonbrain::nn {

torch::Tensor& Module::parameter(const std::string& name, torch::IntArrayRef sizes,
                                 const torch::TensorOptions& options, const Init& init) {
  specs_[name] = {init, 1};
  return register_parameter(name, torch::empty(sizes, options), /*requires_grad=*/true);
}

void init_weights(torch::nn::Module& module, uint64_t seed, const std::string& prefix,
                  const std::vector<std::string>& skip) {
  torch::NoGradGuard no_grad;
  const auto skipped = [&](const std::string& path) {
    return std::any_of(skip.begin(), skip.end(), [&](const std::string& child) {
      const std::string root = prefix.empty() ? child : prefix + "." + child;
      return path == root || path.compare(0, root.size() + 1, root + ".") == 0;
    });
  };
  for (const auto& entry : module.named_modules(prefix)) {
    if (skipped(entry.key())) continue;
    auto* own = dynamic_cast<Module*>(entry.value().get());
    if (own == nullptr) continue;
    for (auto& parameter : own->named_parameters(/*recurse=*/false)) {
      torch::Tensor& tensor = parameter.value();
      if (tensor.is_meta()) continue;
      const auto spec = own->specs_.at(parameter.key());
      const std::string name =
          entry.key().empty() ? parameter.key() : entry.key() + "." + parameter.key();
      Rng rng(seed, {hash_key(name)});
      switch (spec.init.kind) {
        case Init::Kind::kNormal:
          tensor.copy_(randn(rng, tensor.sizes()) * spec.init.value);
          break;
        case Init::Kind::kUniform:
          tensor.copy_(rand(rng, tensor.sizes(), -spec.init.value, spec.init.value));
          break;
        case Init::Kind::kConstant:
          tensor.fill_(spec.init.value);
          break;
        case Init::Kind::kFanIn: {
          const double bound = 1.0 / std::sqrt(spec.fan_in);
          tensor.copy_(rand(rng, tensor.sizes(), -bound, bound));
          break;
        }
      }
    }
  }
}

ParameterCount count_parameters(const torch::nn::Module& module) {
  ParameterCount count;
  for (const auto& parameter : module.parameters()) {
    count.total += parameter.numel();
    if (parameter.requires_grad()) count.trainable += parameter.numel();
  }
  return count;
}

void set_requires_grad(torch::nn::Module& module, bool value) {
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(value);
}

}  // namespace reasonbrain::nn
