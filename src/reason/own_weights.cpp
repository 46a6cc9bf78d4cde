#include "reason/own_weights.h"

#include "core/str.h"
#include "reason/pipeline_options.h"

namespace reasonbrain::reason {
namespace {

constexpr const char* kDenoiserPrefix = "denoiser.";

bool is_own(const std::string& name) {
  return part_of(starts_with(name, kDenoiserPrefix) ? name : "model." + name) == nullptr;
}

}  // namespace

nn::StateDict own_weights(ModelImpl& model, Denoiser& denoiser) {
  nn::StateDict all = nn::state_dict(model);
  all.merge(nn::state_dict(denoiser, kDenoiserPrefix));
  std::erase_if(all, [](const auto& entry) { return !is_own(entry.first); });
  return all;
}

void load_own_weights(ModelImpl& model, Denoiser& denoiser, const nn::StateDict& weights,
                      const std::string& origin) {
  nn::StateDict own = own_weights(model, denoiser);
  nn::load_tensors(own, weights, {.origin = origin});
}

}  // namespace reasonbrain::reason
