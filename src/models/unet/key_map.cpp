#include "models/unet/key_map.h"

#include "core/str.h"
#include "models/ldm_checkpoint.h"

namespace reasonbrain::models::unet {
namespace {

void add_resnet(std::vector<KeyRule>& rules, const std::string& file, const std::string& module) {
  static const std::pair<const char*, const char*> kNames[] = {
      {"in_layers.0", "norm1"},  {"in_layers.2", "conv1"},  {"emb_layers.1", "time_emb_proj"},
      {"out_layers.0", "norm2"}, {"out_layers.3", "conv2"}, {"skip_connection", "conv_shortcut"}};
  for (const auto& [theirs, ours] : kNames) {
    rules.push_back({{str(file, ".", theirs, ".{p}")}, {str(module, ".", ours, ".{p}")}});
  }
}

void add_same(std::vector<KeyRule>& rules, const std::string& file, const std::string& module) {
  rules.push_back({{file + ".{rest}"}, {module + ".{rest}"}});
}

bool has_attention(const std::string& block_type) {
  return starts_with(block_type, "CrossAttn");
}

}  // namespace

KeyTable ldm_key_table(const UNetConfig& config) {
  std::vector<KeyRule> rules;
  add_same(rules, "time_embed.0", "time_embedding.linear_1");
  add_same(rules, "time_embed.2", "time_embedding.linear_2");
  add_same(rules, "input_blocks.0.0", "conv_in");
  const size_t levels = config.num_levels();
  int64_t number = 1;  // of the input block
  for (size_t level = 0; level < levels; ++level) {
    const std::string block = str("down_blocks.", level);
    for (int64_t i = 0; i < UNetConfig::at_level(config.layers_per_block, level); ++i, ++number) {
      add_resnet(rules, str("input_blocks.", number, ".0"), str(block, ".resnets.", i));
      if (has_attention(config.down_block_types[level])) {
        add_same(rules, str("input_blocks.", number, ".1"), str(block, ".attentions.", i));
      }
    }
    if (level + 1 < levels) {
      add_same(rules, str("input_blocks.", number++, ".0.op"), block + ".downsamplers.0.conv");
    }
  }
  add_resnet(rules, "middle_block.0", "mid_block.resnets.0");
  add_same(rules, "middle_block.1", "mid_block.attentions.0");
  add_resnet(rules, "middle_block.2", "mid_block.resnets.1");
  number = 0;  // of the output block
  for (size_t level = 0; level < levels; ++level) {
    const std::string block = str("up_blocks.", level);
    const int64_t layers = UNetConfig::at_level(config.layers_per_block, levels - 1 - level) + 1;
    const bool attention = has_attention(config.up_block_types[level]);
    for (int64_t i = 0; i < layers; ++i, ++number) {
      add_resnet(rules, str("output_blocks.", number, ".0"), str(block, ".resnets.", i));
      if (attention) {
        add_same(rules, str("output_blocks.", number, ".1"), str(block, ".attentions.", i));
      }
    }
    if (level + 1 < levels) {  // behind the last layer, in its block
      add_same(rules, str("output_blocks.", number - 1, attention ? ".2" : ".1", ".conv"),
               block + ".upsamplers.0.conv");
    }
  }
  add_same(rules, "out.0", "conv_norm_out");
  add_same(rules, "out.2", "conv_out");
  return KeyTable(std::move(rules));
}

KeyTable key_table(const UNetConfig& config, const std::vector<std::string>& file_keys) {
  const bool bare = any_key_matches(file_keys, "input_blocks.{rest}");
  if (bare || any_key_matches(file_keys, std::string(ldm::kUNetPrefix) + "{rest}")) {
    return ldm::in_checkpoint(ldm_key_table(config), ldm::kUNetPrefix, file_keys);
  }
  return KeyTable({{{"{rest}"}, {"{rest}"}}});
}

}  // namespace reasonbrain::models::unet
