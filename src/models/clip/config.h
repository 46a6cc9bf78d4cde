// Options of the two CLIP towers: fields and defaults of transformers' CLIPVisionConfig and
// CLIPTextConfig.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "reasonbrain/describe.h"

namespace reasonbrain::models::clip {

// What both towers have.
struct TowerConfig {
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 0;
  int64_t projection_dim = 512;
  std::string hidden_act = "quick_gelu";
  double layer_norm_eps = 1e-5;

  void describe(OptionVisitor& v);
};

struct VisionConfig : TowerConfig {
  VisionConfig();
  int64_t num_channels = 3;
  int64_t image_size = 224;
  int64_t patch_size = 32;

  void describe(OptionVisitor& v);
  int64_t grid() const { return image_size / patch_size; }  // patches along one side
};

struct TextConfig : TowerConfig {
  TextConfig();
  int64_t vocab_size = 49408;
  int64_t max_position_embeddings = 77;
  // 2 means the rule of old configurations: the end of text is the largest id of the sequence.
  int64_t eos_token_id = 49407;

  void describe(OptionVisitor& v);
};

// Error(kData) beginning with `origin` for sizes that do not fit each other.
void check(const VisionConfig& config, const std::string& origin);
void check(const TextConfig& config, const std::string& origin);

// From the config.json of one tower or of a whole CLIPModel. Error(kData) beginning with `origin`
// names a field whose value is not supported.
VisionConfig parse_vision_config(const nlohmann::json& config, const std::string& origin);
TextConfig parse_text_config(const nlohmann::json& config, const std::string& origin);

// config.json as transformers' CLIPVisionModel, CLIPTextModel and their WithProjection forms read
// it.
nlohmann::json to_hf_config(const VisionConfig& config, bool with_projection);
nlohmann::json to_hf_config(const TextConfig& config, bool with_projection);

}  // namespace reasonbrain::models::clip
