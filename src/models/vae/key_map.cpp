#include "models/vae/key_map.h"

#include "core/str.h"
#include "models/ldm_checkpoint.h"

namespace reasonbrain::models::vae {
namespace {

void add_attention(std::vector<KeyRule>& rules, const std::string& file,
                   const std::string& module) {
  static const std::pair<const char*, const char*> kNames[] = {{"norm", "group_norm"},
                                                               {"q", "to_q"},
                                                               {"k", "to_k"},
                                                               {"v", "to_v"},
                                                               {"proj_out", "to_out.0"}};
  for (const auto& [theirs, ours] : kNames) {
    rules.push_back({{str(file, ".", theirs, ".{p}")},
                     {str(module, ".", ours, ".{p}")},
                     KeyTransform::kPointwise});
  }
}

void add_resnet(std::vector<KeyRule>& rules, const std::string& file, const std::string& module) {
  rules.push_back({{file + ".nin_shortcut.{p}"}, {module + ".conv_shortcut.{p}"}});
  rules.push_back({{file + ".{rest}"}, {module + ".{rest}"}});
}

// One level of the encoder or the decoder.
void add_level(std::vector<KeyRule>& rules, const std::string& file, const std::string& module,
               const char* resample, const char* resamplers) {
  rules.push_back(
      {{str(file, ".", resample, ".{rest}")}, {str(module, ".", resamplers, ".0.{rest}")}});
  add_attention(rules, file + ".attn.{j}", module + ".attentions.{j}");
  add_resnet(rules, file + ".block.{j}", module + ".resnets.{j}");
}

// Before 2023 diffusers called the attention's projections query, key, value and proj_attn.
KeyTable diffusers_key_table() {
  std::vector<KeyRule> rules;
  static const std::pair<const char*, const char*> kOld[] = {
      {"query", "to_q"}, {"key", "to_k"}, {"value", "to_v"}, {"proj_attn", "to_out.0"}};
  for (const auto& [before, after] : kOld) {
    rules.push_back({.file = {str("{rest}.attentions.{j}.", before, ".{p}")},
                     .module = {str("{rest}.attentions.{j}.", after, ".{p}")},
                     .transform = KeyTransform::kPointwise,
                     .only_loading = true});
  }
  rules.push_back({{"{rest}"}, {"{rest}"}});
  return KeyTable(std::move(rules));
}

}  // namespace

KeyTable ldm_key_table(const VaeConfig& config) {
  std::vector<KeyRule> rules;
  add_level(rules, "encoder.down.{i}", "encoder.down_blocks.{i}", "downsample", "downsamplers");
  const size_t levels = config.block_out_channels.size();
  for (size_t level = 0; level < levels; ++level) {  // counted from the other end
    add_level(rules, str("decoder.up.", levels - 1 - level), str("decoder.up_blocks.", level),
              "upsample", "upsamplers");
  }
  add_attention(rules, "{half}.mid.attn_1", "{half}.mid_block.attentions.0");
  add_resnet(rules, "{half}.mid.block_1", "{half}.mid_block.resnets.0");
  add_resnet(rules, "{half}.mid.block_2", "{half}.mid_block.resnets.1");
  rules.push_back({{"{half}.norm_out.{p}"}, {"{half}.conv_norm_out.{p}"}});
  rules.push_back({{"loss.{rest}"}, {}});  // the discriminator of its training
  rules.push_back({{"model_ema.{rest}"}, {}});
  rules.push_back({{"{rest}"}, {"{rest}"}});
  return KeyTable(std::move(rules));
}

KeyTable key_table(const VaeConfig& config, const std::vector<std::string>& file_keys) {
  for (const std::string& prefix : {std::string(), std::string(ldm::kVaePrefix)}) {
    if (any_key_matches(file_keys, prefix + "encoder.down.{rest}") ||
        any_key_matches(file_keys, prefix + "encoder.mid.{rest}")) {
      return ldm::in_checkpoint(ldm_key_table(config), ldm::kVaePrefix, file_keys);
    }
  }
  return diffusers_key_table();
}

}  // namespace reasonbrain::models::vae
