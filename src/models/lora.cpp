#include "models/lora.h"

#include <algorithm>
#include <cmath>

#include "core/rng_tensor.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {

void LoraOptions::describe(OptionVisitor& v) {
  v.field("rank", rank, {.help = "Rank of the adapters", .min = 1, .max = 4096});
  v.field("alpha", alpha, {.help = "Scale of the adapters times their rank", .min = 0, .max = 1e6});
  v.field("targets", targets,
          {.help = "Names, or last parts of names, of the linear layers that get an adapter"});
}

std::map<std::string, nn::Linear> linear_children(torch::nn::Module& module) {
  std::map<std::string, nn::Linear> linears;
  for (const auto& child : module.named_modules(/*name_prefix=*/"", /*include_self=*/false)) {
    if (const auto linear = std::dynamic_pointer_cast<nn::LinearImpl>(child.value())) {
      linears.emplace(child.key(), nn::Linear(linear));
    }
  }
  return linears;
}

int64_t attach_lora(torch::nn::Module& module, const LoraOptions& options, uint64_t seed) {
  torch::NoGradGuard no_grad;
  auto linears = linear_children(module);
  std::vector<std::string> chosen;
  for (const std::string& target : options.targets) {
    const size_t before = chosen.size();
    for (const auto& [name, linear] : linears) {
      if (name == target || ends_with(name, "." + target)) chosen.push_back(name);
    }
    if (chosen.size() == before) {
      throw config_error(str("LoRA target '", target, "' is the name of no linear layer"));
    }
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  for (const std::string& name : chosen) {
    nn::Linear& linear = linears.at(name);
    linear->attach_lora(options.rank, options.alpha / static_cast<double>(options.rank));
    Rng rng(seed, {hash_key(name + ".lora_A")});
    const double bound = 1.0 / std::sqrt(static_cast<double>(linear->in_features()));
    linear->lora_A.copy_(rand(rng, linear->lora_A.sizes(), -bound, bound));
    linear->lora_B.zero_();
  }
  return static_cast<int64_t>(chosen.size());
}

void merge_lora(torch::nn::Module& module) {
  for (auto& [name, linear] : linear_children(module)) {
    if (linear->has_lora()) linear->merge_lora();
  }
}

void drop_lora(torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  for (auto& [name, linear] : linear_children(module)) {
    if (!linear->has_lora()) continue;
    linear->lora_scale = 0;  // merging nothing; the tensors may live on in an adapter
    linear->merge_lora();
  }
}

std::string renamed_layer(const KeyRename& rename, const std::string& layer) {
  static const std::string kWeight = ".weight";
  if (!rename) return layer;
  const std::string key = rename(layer + kWeight);
  return key.substr(0, key.size() - kWeight.size());
}

bool is_lora_parameter(const std::string& name) {
  return ends_with(name, "lora_A") || ends_with(name, "lora_B");
}

}  // namespace reasonbrain::models
