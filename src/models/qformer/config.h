// Options of the QFormer, by transformers' names (Blip2QFormerConfig).
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "reasonbrain/describe.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::qformer {

// Defaults are those of the reference class.
struct QFormerConfig {
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-12;
  int64_t cross_attention_frequency = 2;
  int64_t encoder_hidden_size = 1408;
  double initializer_range = 0.02;

  void describe(OptionVisitor& v);

  // Throws Error(kind) naming the option that does not fit the others.
  void validate(ErrorKind kind = ErrorKind::kConfig) const;
};

// From and to a config.json of Blip2QFormerConfig, or of a Blip2Config that holds one as
// qformer_config. Dropout is 0 here whatever the file says. Throws Error(kData) naming a value that
// is not supported.
QFormerConfig qformer_config_from_json(const nlohmann::json& json, const std::string& origin);
nlohmann::json qformer_config_to_json(const QFormerConfig& config);

}  // namespace reasonbrain::models::qformer
