#include "nn/state_dict.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::nn {
namespace {

constexpr size_t kMaxListed = 8;

void append_list(std::string& message, const std::string& title,
                 const std::vector<std::string>& keys) {
  if (keys.empty()) return;
  message += str("; ", keys.size(), " ", title, ": ");
  std::vector<std::string> shown(
      keys.begin(), keys.begin() + static_cast<long>(std::min(keys.size(), kMaxListed)));
  message += join(shown, ", ");
  if (keys.size() > kMaxListed) message += ", ...";
}

}  // namespace

StateDict state_dict(const torch::nn::Module& module, const std::string& prefix) {
  StateDict out;
  for (const auto& entry : module.named_parameters()) out[prefix + entry.key()] = entry.value();
  for (const auto& entry : module.named_buffers()) out[prefix + entry.key()] = entry.value();
  return out;
}

void require_fit(const KeyProblems& problems, const std::string& origin) {
  const auto& [missing, unexpected, mismatched] = problems;
  if (missing.empty() && unexpected.empty() && mismatched.empty()) return;
  std::string message = str("weights of ", origin, " do not fit the configuration");
  append_list(message, "missing", missing);
  append_list(message, "unexpected", unexpected);
  append_list(message, "of another shape", mismatched);
  throw data_error(message);
}

void load_tensors(StateDict& own, const StateDict& weights, const LoadPolicy& policy) {
  torch::NoGradGuard no_grad;
  KeyProblems problems;
  for (const auto& [key, tensor] : weights) {
    const auto found = own.find(key);
    if (found == own.end()) {
      if (!policy.may_be_extra || !policy.may_be_extra(key)) problems.unexpected.push_back(key);
    } else if (found->second.sizes() != tensor.sizes()) {
      problems.mismatched.push_back(
          reasonbrain::str(key, " (file ", tensor.sizes(), ", model ", found->second.sizes(), ")"));
    }
  }
  for (const auto& [key, tensor] : own) {
    if (!weights.contains(key) && !(policy.may_be_missing && policy.may_be_missing(key)))
      problems.missing.push_back(key);
  }
  require_fit(problems, policy.origin);
  for (auto& [key, tensor] : own) {
    const auto found = weights.find(key);
    if (found != weights.end()) tensor.copy_(found->second);
  }
}

void load_state_dict(torch::nn::Module& module, const StateDict& weights,
                     const LoadPolicy& policy) {
  StateDict own = state_dict(module);
  load_tensors(own, weights, policy);
}

}  // namespace reasonbrain::nn
