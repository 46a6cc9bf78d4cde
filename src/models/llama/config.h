// Options of LLaMA: fields and defaults of transformers' LlamaConfig.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::models::llama {

// How rotary frequencies are stretched to contexts longer than those of training.
struct RopeScaling {
  std::string rope_type = "default";  // default, linear, dynamic, llama3, yarn, longrope, ...
  double factor = 0;                  // 0: not given; yarn and longrope derive it
  double low_freq_factor = 1;         // llama3
  double high_freq_factor = 4;        // llama3
  int64_t original_max_position_embeddings = 0;   // 0: max_position_embeddings
  double attention_factor = 0;                    // yarn, longrope; 0: derived from factor
  double beta_fast = 0, beta_slow = 0;            // yarn; 0: 32 and 1
  double mscale = 0, mscale_all_dim = 0;          // yarn
  bool truncate = true;                           // yarn
  std::vector<double> short_factor, long_factor;  // longrope, one for each frequency
  double partial_rotary_factor = 1;               // proportional

  void describe(OptionVisitor& v);
};

struct LlamaConfig {
  int64_t vocab_size = 32000;
  int64_t hidden_size = 4096;
  int64_t intermediate_size = 11008;
  int64_t num_hidden_layers = 32;
  int64_t num_attention_heads = 32;
  int64_t num_key_value_heads = 0;  // 0: as many as attention heads
  int64_t head_dim = 0;             // 0: hidden_size / num_attention_heads
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-6;
  double initializer_range = 0.02;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  bool attention_bias = false;
  bool mlp_bias = false;
  bool tie_word_embeddings = false;
  int64_t padding_row = -1;  // pad_token_id, counted from 0: its embedding does not learn; -1: none

  void describe(OptionVisitor& v);

  int64_t kv_heads() const {
    return num_key_value_heads ? num_key_value_heads : num_attention_heads;
  }
  int64_t head_width() const { return head_dim ? head_dim : hidden_size / num_attention_heads; }
};

// Error(kData) beginning with `origin` when sizes do not go together or a value is not supported.
void check(const LlamaConfig& config, const std::string& origin);

// From a config.json of any transformers version: RoPE as rope_theta with rope_scaling, or as
// rope_parameters.
LlamaConfig parse_config(const nlohmann::json& config, const std::string& origin);

// config.json as transformers' LlamaForCausalLM reads it, old versions included.
nlohmann::json to_hf_config(const LlamaConfig& config);

}  // namespace reasonbrain::models::llama
