#include "models/qformer/key_map.h"

#include <algorithm>

#include "core/str.h"

namespace reasonbrain::models::qformer {
namespace {

constexpr const char* kLavisPrefixes[] = {"Qformer.bert.", "sd_qformer.bert.", "sd_qformer.",
                                          "bert.", ""};

// What stands beside the QFormer in checkpoints of LAVIS, of transformers and of SmartEdit.
const std::vector<KeyRule>& others() {
  static const std::vector<KeyRule> kRules = {
      {{"query_tokens"}, {}},
      {{"sd_query_tokens"}, {}},
      {{"cls.{rest}"}, {}},
      {{"Qformer.cls.{rest}"}, {}},
      {{"visual_encoder.{rest}"}, {}},
      {{"vision_model.{rest}"}, {}},
      {{"ln_vision.{rest}"}, {}},
      {{"vision_proj.{rest}"}, {}},
      {{"text_proj.{rest}"}, {}},
      {{"itm_head.{rest}"}, {}},
      {{"temp"}, {}},
      {{"t5_proj.{rest}"}, {}},
      {{"opt_proj.{rest}"}, {}},
      {{"llm_proj.{rest}"}, {}},
      {{"language_projection.{rest}"}, {}},
      {{"language_model.{rest}"}, {}},
  };
  return kRules;
}

const std::vector<KeyRule>& text_branch() {
  static const std::vector<KeyRule> kRules = {
      {{"embeddings.{rest}"}, {}},
      {{"encoder.layer.{i}.intermediate.{rest}"}, {}},
      {{"encoder.layer.{i}.output.{rest}"}, {}},
      {{"pooler.{rest}"}, {}},
  };
  return kRules;
}

KeyTable transformers_key_table() {
  std::vector<KeyRule> rules = text_branch();
  rules.push_back({{"{rest}"}, {"{rest}"}});
  return KeyTable(std::move(rules));
}

std::vector<KeyRule> without_catch_all(const KeyTable& table) {
  std::vector<KeyRule> rules = table.rules();
  rules.pop_back();
  return rules;
}

}  // namespace

KeyTable lavis_key_table() {
  std::vector<KeyRule> rules = {
      {{"embeddings.LayerNorm.{p}"}, {"layernorm.{p}"}},
      {{"encoder.layer.{i}.{attention}.self.{rest}"},
       {"encoder.layer.{i}.{attention}.attention.{rest}"}},
  };
  rules.insert(rules.end(), text_branch().begin(), text_branch().end());
  rules.push_back({{"encoder.layer.{i}.{rest}"}, {"encoder.layer.{i}.{rest}"}});
  return KeyTable(std::move(rules));
}

KeyTable key_table(const std::vector<std::string>& file_keys) {
  for (const std::string prefix : kLavisPrefixes) {
    if (any_key_matches(file_keys, prefix + "encoder.layer.{i}.attention.self.{rest}")) {
      return lavis_key_table().with_file_prefix(prefix, others());
    }
  }
  const KeyTable own = transformers_key_table();
  if (any_key_matches(file_keys, "qformer.encoder.{rest}")) {
    return own.with_file_prefix("qformer.", others());
  }
  // The rest last, so that the query tokens and heads are passed over before.
  std::vector<KeyRule> rules = without_catch_all(own);
  rules.insert(rules.end(), others().begin(), others().end());
  rules.push_back(own.rules().back());
  return KeyTable(std::move(rules));
}

}  // namespace reasonbrain::models::qformer
