#include "models/t5/key_map.h"

#include <algorithm>

#include "core/str.h"

namespace reasonbrain::models::t5 {
namespace {

std::string three_digits(int64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(3 - std::min<size_t>(digits.size(), 3), '0') + digits;
}

// A norm is called layer_norm in the checkpoints of v1 and rms_norm in those of
// v1.1.
void add_norm(std::vector<KeyRule>& rules, const T5Config& config, const std::string& theirs,
              const char* v1_name, const std::string& ours) {
  const std::string names[] = {theirs + v1_name + "/scale", theirs + "rms_norm/scale"};
  for (const bool v11 : {false, true}) {
    rules.push_back({.file = {names[v11 ? 1 : 0]},
                     .module = {ours + ".weight"},
                     .only_loading = v11 != config.gated()});
  }
}

}  // namespace

KeyTable original_key_table(const T5Config& config) {
  std::vector<KeyRule> rules = {{{"decoder/{rest}"}, {}},
                                {{"{rest}_slot_{name}"}, {}},  // of the optimizer
                                {{"global_step"}, {}},
                                {{"shared/embedding"}, {"shared.weight"}}};
  const auto matrix = [&](const std::string& theirs, const std::string& ours) {
    rules.push_back({{theirs}, {ours + ".weight"}, KeyTransform::kTranspose});
  };
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const std::string block = str("encoder/block_", three_digits(i), "/");
    const std::string layer = str("encoder.block.", i, ".layer.");
    const std::string attention = "SelfAttention", dense = "DenseReluDense";
    std::vector<std::string> projections = {"q", "k", "v", "o"};
    if (i == 0) projections.emplace_back("relative_attention_bias");
    for (const std::string& name : projections) {
      matrix(str(block, "layer_000/", attention, "/", name),
             str(layer, "0.", attention, ".", name));
    }
    for (const char* name : {"wi", "wi_0", "wi_1", "wo"}) {
      matrix(str(block, "layer_001/", dense, "/", name, "/kernel"),
             str(layer, "1.", dense, ".", name));
    }
    add_norm(rules, config, block + "layer_000/", "layer_norm", layer + "0.layer_norm");
    add_norm(rules, config, block + "layer_001/", "layer_norm", layer + "1.layer_norm");
  }
  add_norm(rules, config, "encoder/", "final_layer_norm", "encoder.final_layer_norm");
  return KeyTable(std::move(rules));
}

KeyTable key_table(const T5Config& config, const std::vector<std::string>& file_keys,
                   bool two_tables) {
  if (any_key_matches(file_keys, "encoder/{rest}")) return original_key_table(config);
  if (two_tables) {
    return KeyTable({{{"decoder.{rest}"}, {}},
                     {{"lm_head.{rest}"}, {}},
                     {{"shared.weight"}, {}},
                     {{"encoder.embed_tokens.weight"}, {"shared.weight"}},
                     {{"{rest}"}, {"{rest}"}}});
  }
  return KeyTable({
      {{"decoder.{rest}"}, {}},
      {{"lm_head.{rest}"}, {}},
      {{"shared.weight"}, {"shared.weight"}},
      {.file = {"encoder.embed_tokens.weight"}, .module = {"shared.weight"}, .only_loading = true},
      {{"{rest}"}, {"{rest}"}},
  });
}

}  // namespace reasonbrain::models::t5
