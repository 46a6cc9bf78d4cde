#include "models/clip/config.h"

#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"
#include "nn/activation.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::clip {
namespace {

constexpr double kMaxSize = 1 << 20;

// One tower's object out of the configuration of a CLIPModel, whose projection width stands at the
// top.
nlohmann::json tower_section(const nlohmann::json& config, const std::string& tower) {
  const std::string section = tower + "_config";
  const auto found = config.find(section);
  // Written by early versions; the whole of what it means, defaults too, goes before the section.
  const auto old = config.find(section + "_dict");
  const bool is_old = old != config.end() && old->is_object();
  if (found == config.end() && !is_old) return config;
  nlohmann::json out = is_old ? *old : found->is_null() ? nlohmann::json::object() : *found;
  if (!out.is_object()) return out;  // refused when its fields are read
  out["projection_dim"] = TowerConfig().projection_dim;
  if (config.contains("projection_dim")) out["projection_dim"] = config["projection_dim"];
  return out;
}

void check_tower(const TowerConfig& config, const std::string& origin) {
  if (config.hidden_size % config.num_attention_heads != 0) {
    throw data_error(str(origin, ": hidden_size ", config.hidden_size,
                         " is not a multiple of num_attention_heads ", config.num_attention_heads));
  }
  nn::parse_activation(config.hidden_act, origin + ": hidden_act");
}

}  // namespace

VisionConfig::VisionConfig() {
  hidden_size = 768;
  intermediate_size = 3072;
  num_attention_heads = 12;
}

TextConfig::TextConfig() {
  hidden_size = 512;
  intermediate_size = 2048;
  num_attention_heads = 8;
}

void TowerConfig::describe(OptionVisitor& v) {
  v.field("hidden_size", hidden_size, {.help = "Width of the states", .min = 1, .max = kMaxSize});
  v.field("intermediate_size", intermediate_size,
          {.help = "Width inside the feed-forward part", .min = 1, .max = kMaxSize});
  v.field("num_hidden_layers", num_hidden_layers,
          {.help = "Number of layers", .min = 1, .max = 1000});
  v.field("num_attention_heads", num_attention_heads,
          {.help = "Number of attention heads; divides hidden_size", .min = 1, .max = kMaxSize});
  v.field("projection_dim", projection_dim,
          {.help = "Width of the space that image and text share", .min = 1, .max = kMaxSize});
  v.field("hidden_act", hidden_act, {.help = "Activation of the feed-forward part"});
  v.field("layer_norm_eps", layer_norm_eps,
          {.help = "Added to the variance in layer norms", .min = 0, .max = 1});
}

void VisionConfig::describe(OptionVisitor& v) {
  TowerConfig::describe(v);
  v.field("num_channels", num_channels, {.help = "Channels of the picture", .min = 1, .max = 1024});
  v.field("image_size", image_size,
          {.help = "Side of the square picture", .unit = "px", .min = 1, .max = kMaxSize});
  v.field("patch_size", patch_size,
          {.help = "Side of a patch", .unit = "px", .min = 1, .max = kMaxSize});
}

void TextConfig::describe(OptionVisitor& v) {
  TowerConfig::describe(v);
  v.field("vocab_size", vocab_size, {.help = "Number of token ids", .min = 1, .max = 1e8});
  v.field("max_position_embeddings", max_position_embeddings,
          {.help = "Longest text", .unit = "tokens", .min = 1, .max = kMaxSize});
  v.field("eos_token_id", eos_token_id,
          {.help = "End of text, where the pooled state is read; 2: at the largest id",
           .min = 0,
           .max = 1e8});
}

void check(const VisionConfig& config, const std::string& origin) {
  check_tower(config, origin);
  if (config.grid() < 1) {
    throw data_error(str(origin, ": patch_size ", config.patch_size, " is larger than image_size ",
                         config.image_size));
  }
}

void check(const TextConfig& config, const std::string& origin) {
  check_tower(config, origin);
}

VisionConfig parse_vision_config(const nlohmann::json& config, const std::string& origin) {
  expect_model_type(config, {"clip", "clip_vision_model"}, origin);
  VisionConfig out;
  read_hf_options(tower_section(config, "vision"), out, origin);
  check(out, origin);
  return out;
}

TextConfig parse_text_config(const nlohmann::json& config, const std::string& origin) {
  expect_model_type(config, {"clip", "clip_text_model"}, origin);
  TextConfig out;
  read_hf_options(tower_section(config, "text"), out, origin);
  check(out, origin);
  return out;
}

nlohmann::json to_hf_config(const VisionConfig& config, bool with_projection) {
  nlohmann::json out = io::write_json_options(config);
  out["model_type"] = "clip_vision_model";
  out["architectures"] = {with_projection ? "CLIPVisionModelWithProjection" : "CLIPVisionModel"};
  return out;
}

nlohmann::json to_hf_config(const TextConfig& config, bool with_projection) {
  nlohmann::json out = io::write_json_options(config);
  out["model_type"] = "clip_text_model";
  out["architectures"] = {with_projection ? "CLIPTextModelWithProjection" : "CLIPTextModel"};
  return out;
}

}  // namespace reasonbrain::models::clip
