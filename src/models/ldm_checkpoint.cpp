#include "models/ldm_checkpoint.h"

#include "core/str.h"

namespace reasonbrain::models::ldm {
namespace {

// The other models of a checkpoint, and the noise schedule's buffers.
const std::vector<KeyRule>& others() {
  static const std::vector<KeyRule> kRules = {
      {{"model.diffusion_model.{rest}"}, {}},
      {{"first_stage_model.{rest}"}, {}},
      {{"cond_stage_model.{rest}"}, {}},
      {{"model_ema.{rest}"}, {}},
      {{"betas"}, {}},
      {{"alphas_cumprod"}, {}},
      {{"alphas_cumprod_prev"}, {}},
      {{"sqrt_{name}_cumprod"}, {}},
      {{"sqrt_recipm1_alphas_cumprod"}, {}},
      {{"log_one_minus_alphas_cumprod"}, {}},
      {{"posterior_{name}"}, {}},
      {{"lvlb_weights"}, {}},
      {{"logvar"}, {}},
      {{"scale_factor"}, {}},
  };
  return kRules;
}

}  // namespace

KeyTable in_checkpoint(const KeyTable& table, const std::string& prefix,
                       const std::vector<std::string>& file_keys) {
  if (!any_key_matches(file_keys, prefix + "{rest}")) return table;
  std::vector<KeyRule> rest;  // but unknown keys below `prefix` are not another model's
  const std::string root = prefix.substr(0, prefix.find('.') + 1);
  for (const KeyRule& rule : others()) {
    if (!starts_with(rule.file[0], root)) rest.push_back(rule);
  }
  return table.with_file_prefix(prefix, rest);
}

}  // namespace reasonbrain::models::ldm
