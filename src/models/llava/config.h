// Options of LLaVA: transformers' LlavaConfig, and the config of the original
// LlavaLlamaForCausalLM.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/clip/config.h"
#include "models/llama/config.h"

namespace reasonbrain::models::llava {

// In the original layout one such token stands for all features of one picture.
constexpr int64_t kPictureToken = -200;

struct LlavaConfig {
  clip::VisionConfig vision;
  llama::LlamaConfig text;
  // Each such token is one feature of a picture; or kPictureToken: the original layout.
  int64_t image_token_index = 32000;
  std::vector<int64_t> feature_layers = {-2};  // CLIP hidden states, side by side
  bool keep_class_token = false;
  int64_t projector_linears = 2;  // with the activation between them; 0: none
  std::string projector_act = "gelu";
  bool projector_bias = true;
  // Original layout only: where longer sequences end (0: nowhere) and where shorter ones are
  // filled.
  int64_t max_length = 0;
  bool pad_left = false;
  int64_t hf_image_token = -1;  // image_token_index in transformers' layout; -1: not known

  bool is_original() const { return image_token_index == kPictureToken; }
  int64_t num_features() const {  // of one picture
    return vision.grid() * vision.grid() + (keep_class_token ? 1 : 0);
  }
};

// Whether a config.json is that of LlavaLlamaForCausalLM.
bool is_original_config(const nlohmann::json& config);

// Error(kData) beginning with `origin` names a field whose value is not supported.
LlavaConfig parse_config(const nlohmann::json& config, const std::string& origin);

// The same for the original layout, which says nothing of its image tower.
LlavaConfig parse_original_config(const nlohmann::json& config, const clip::VisionConfig& vision,
                                  const std::string& origin);

// The same model in the original layout. Error(kData) naming what that cannot say: several feature
// layers, a projector without biases or with another activation than gelu.
LlavaConfig as_original(const LlavaConfig& config);

// The same model in transformers' layout, where that can hold it: with two layers in the projector
// and a token that stands for the picture. Otherwise as it is.
LlavaConfig as_hf(const LlavaConfig& config);

// config.json in the layout that the configuration is of; the original one with the object
// `vision_config`, which readers other than this one pass over.
nlohmann::json to_hf_config(const LlavaConfig& config);

}  // namespace reasonbrain::models::llava
