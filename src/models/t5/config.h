// Options of the T5 encoder: fields and defaults of transformers' T5Config.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "nn/activation.h"
#include "reasonbrain/describe.h"

namespace reasonbrain::models::t5 {

struct T5Config {
  int64_t vocab_size = 32128;
  int64_t d_model = 512;
  int64_t d_kv = 64;  // width of a head; num_heads * d_kv need not be d_model
  int64_t d_ff = 2048;
  int64_t num_layers = 6;
  int64_t num_heads = 8;
  int64_t relative_attention_num_buckets = 32;
  int64_t relative_attention_max_distance = 128;
  double layer_norm_epsilon = 1e-6;
  double initializer_factor = 1.0;
  std::string feed_forward_proj = "relu";
  std::string dense_act_fn;          // before the one of feed_forward_proj; "": not given
  std::optional<bool> is_gated_act;  // the same

  void describe(OptionVisitor& v);

  bool gated() const;
  nn::Activation activation() const;  // Error(kData) for one that is not supported
  int64_t inner_width() const { return num_heads * d_kv; }
};

// Error(kData) beginning with `origin` names a field whose value is not supported.
T5Config parse_t5_config(const nlohmann::json& config, const std::string& origin);

// config.json as transformers' T5EncoderModel reads it.
nlohmann::json to_hf_config(const T5Config& config);

}  // namespace reasonbrain::models::t5
