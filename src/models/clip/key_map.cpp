#include "models/clip/key_map.h"

#include <algorithm>

#include "core/str.h"
#include "models/ldm_checkpoint.h"

namespace reasonbrain::models::clip {
namespace {

constexpr const char* kBlock = "transformer.resblocks.{i}.";

// The layers, which both towers name alike. `file` and `module` are prefixes.
void add_layers(std::vector<KeyRule>& rules, const std::string& file, const std::string& module) {
  const std::string theirs = file + kBlock, ours = module + "encoder.layers.{i}.";
  for (const char* part : {"weight", "bias"}) {
    const std::string attention = ours + "self_attn.";
    rules.push_back({{theirs + "attn.in_proj_" + part},
                     {attention + "q_proj." + part, attention + "k_proj." + part,
                      attention + "v_proj." + part}});
  }
  rules.push_back({{theirs + "attn.out_proj.{p}"}, {ours + "self_attn.out_proj.{p}"}});
  rules.push_back({{theirs + "ln_{j}.{p}"}, {ours + "layer_norm{j}.{p}"}});
  rules.push_back({{theirs + "mlp.c_fc.{p}"}, {ours + "mlp.fc1.{p}"}});
  rules.push_back({{theirs + "mlp.c_proj.{p}"}, {ours + "mlp.fc2.{p}"}});
}

// What a file of both original towers holds beside them.
const std::vector<KeyRule>& original_others() {
  static const std::vector<KeyRule> kRules = {{{"logit_scale"}, {}},    {{"logit_bias"}, {}},
                                              {{"attn_mask"}, {}},      {{"input_resolution"}, {}},
                                              {{"context_length"}, {}}, {{"vocab_size"}, {}}};
  return kRules;
}

// transformers' names. Files of the tower alone may lack its prefix; the other tower's keys are
// passed over.
KeyTable transformers_key_table(const std::string& prefix, const std::vector<std::string>& roots,
                                const std::string& projection,
                                const std::vector<std::string>& foreign) {
  std::vector<KeyRule> rules = {{{"{rest}position_ids"}, {}}, {{"logit_scale"}, {}}};
  for (const std::string& other : foreign) rules.push_back({{other + "{rest}"}, {}});
  rules.push_back({{prefix + "{rest}"}, {prefix + "{rest}"}});
  rules.push_back({{projection}, {projection}});
  for (const std::string& root : roots) {
    rules.push_back(
        {.file = {root + "{rest}"}, .module = {prefix + root + "{rest}"}, .only_loading = true});
  }
  return KeyTable(std::move(rules));
}

KeyTable transformers_text_table() {
  return transformers_key_table("text_model.", {"embeddings.", "encoder.", "final_layer_norm."},
                                "text_projection.weight", {"vision_model.", "visual_projection."});
}

}  // namespace

KeyTable original_vision_key_table() {
  std::vector<KeyRule> rules = {
      {{"visual.class_embedding"}, {"vision_model.embeddings.class_embedding"}},
      {{"visual.positional_embedding"}, {"vision_model.embeddings.position_embedding.weight"}},
      {{"visual.conv1.weight"}, {"vision_model.embeddings.patch_embedding.weight"}},
      {{"visual.ln_pre.{p}"}, {"vision_model.pre_layrnorm.{p}"}},
      {{"visual.ln_post.{p}"}, {"vision_model.post_layernorm.{p}"}},
      {{"visual.proj"}, {"visual_projection.weight"}, KeyTransform::kTranspose},
  };
  add_layers(rules, "visual.", "vision_model.");
  rules.insert(rules.end(), original_others().begin(), original_others().end());
  for (const char* text : {"token_embedding.{rest}", "positional_embedding", "ln_final.{rest}",
                           "text_projection", "transformer.{rest}"}) {
    rules.push_back({{text}, {}});
  }
  return KeyTable(std::move(rules));
}

KeyTable original_text_key_table() {
  std::vector<KeyRule> rules = {
      {{"token_embedding.weight"}, {"text_model.embeddings.token_embedding.weight"}},
      {{"positional_embedding"}, {"text_model.embeddings.position_embedding.weight"}},
      {{"ln_final.{p}"}, {"text_model.final_layer_norm.{p}"}},
      {{"text_projection"}, {"text_projection.weight"}, KeyTransform::kTranspose},
  };
  add_layers(rules, "", "text_model.");
  rules.insert(rules.end(), original_others().begin(), original_others().end());
  rules.push_back({{"visual.{rest}"}, {}});
  return KeyTable(std::move(rules));
}

KeyTable vision_key_table(const std::vector<std::string>& file_keys) {
  if (any_key_matches(file_keys, "visual.transformer.{rest}")) return original_vision_key_table();
  return transformers_key_table("vision_model.",
                                {"embeddings.", "pre_layrnorm.", "encoder.", "post_layernorm."},
                                "visual_projection.weight", {"text_model.", "text_projection."});
}

KeyTable text_key_table(const TextConfig& config, const std::vector<std::string>& file_keys) {
  for (const std::string& prefix : {std::string(ldm::kOpenClipPrefix), std::string()}) {
    if (!any_key_matches(file_keys, prefix + kBlock + "{rest}")) continue;
    // Stable Diffusion 2 reads the states before the last layer, which its configuration lacks.
    std::vector<KeyRule> rules = {
        {{str("transformer.resblocks.", config.num_hidden_layers, ".{rest}")}, {}}};
    const std::vector<KeyRule> others = original_text_key_table().rules();
    rules.insert(rules.end(), others.begin(), others.end());
    return ldm::in_checkpoint(KeyTable(std::move(rules)), ldm::kOpenClipPrefix, file_keys);
  }
  return ldm::in_checkpoint(transformers_text_table(), ldm::kHfTextPrefix, file_keys);
}

std::string projection_key(const KeyTable& table, const std::string& module_key,
                           const std::vector<std::string>& file_keys) {
  const KeyPlan plan = table.plan_loading(file_keys);
  for (const KeyBinding& binding : plan.bindings) {
    if (binding.module[0] == module_key) return binding.file[0];
  }
  return "";
}

}  // namespace reasonbrain::models::clip
