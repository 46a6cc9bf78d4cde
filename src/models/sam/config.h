// Options of SAM: fields and defaults of transformers' SamConfig and its three sections.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::models::sam {

struct VisionConfig {
  int64_t hidden_size = 768;
  int64_t output_channels = 256;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t num_channels = 3;
  int64_t image_size = 1024;
  int64_t patch_size = 16;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-6;
  bool qkv_bias = true;
  double mlp_ratio = 4.0;
  bool use_abs_pos = true;
  bool use_rel_pos = true;
  int64_t window_size = 14;
  std::vector<int64_t> global_attn_indexes = {2, 5, 8, 11};
  int64_t num_pos_feats = 128;
  int64_t mlp_dim = 0;  // 0: hidden_size * mlp_ratio

  void describe(OptionVisitor& v);
  int64_t grid() const { return image_size / patch_size; }  // patches along one side
  int64_t mlp_width() const;
  int64_t window_of(int64_t layer) const;  // 0: the layer attends to the whole grid
};

struct PromptConfig {
  int64_t hidden_size = 256;
  int64_t image_size = 1024;
  int64_t patch_size = 16;
  int64_t mask_input_channels = 16;
  int64_t num_point_embeddings = 4;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-6;

  void describe(OptionVisitor& v);
  int64_t grid() const { return image_size / patch_size; }
};

// Of the decoder's layers in the reference, which asks the configuration for its last attention
// only.
constexpr int64_t kLayerDownsampleRate = 2;

struct DecoderConfig {
  int64_t hidden_size = 256;
  std::string hidden_act = "relu";
  int64_t mlp_dim = 2048;
  int64_t num_hidden_layers = 2;
  int64_t num_attention_heads = 8;
  int64_t attention_downsample_rate = 2;
  int64_t num_multimask_outputs = 3;
  int64_t iou_head_depth = 3;
  int64_t iou_head_hidden_dim = 256;
  double layer_norm_eps = 1e-6;

  void describe(OptionVisitor& v);
};

struct SamConfig {
  VisionConfig vision;
  PromptConfig prompt;
  DecoderConfig decoder;
  bool tie_word_embeddings = true;  // one table of positions for the picture and for the prompts

  void describe(OptionVisitor& v);
};

// From the config.json of a SamModel. Error(kData) beginning with `origin` names a field whose
// value is not supported or does not fit the others.
SamConfig parse_sam_config(const nlohmann::json& config, const std::string& origin);

// config.json as transformers' SamModel reads it.
nlohmann::json to_hf_config(const SamConfig& config);

}  // namespace reasonbrain::models::sam
