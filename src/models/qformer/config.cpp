#include "models/qformer/config.h"

#include "core/str.h"
#include "models/hf_folder.h"
#include "nn/activation.h"

namespace reasonbrain::models::qformer {
namespace {

constexpr const char* kModelType = "blip_2_qformer";
constexpr double kMaxSize = 1 << 20;

// Its own section in the configuration of a whole BLIP-2, whose image encoder's width goes before
// the one in there.
nlohmann::json own_section(const nlohmann::json& config) {
  const auto found = config.find("qformer_config");
  if (found == config.end()) return config;
  nlohmann::json section = found->is_null() ? nlohmann::json::object() : *found;
  const auto vision = config.find("vision_config");
  const bool stated = vision != config.end() && vision->is_object();
  if (section.is_object()) {  // null: the default
    section["encoder_hidden_size"] =
        stated ? vision->value("hidden_size", nlohmann::json()) : nlohmann::json();
  }
  return section;
}

}  // namespace

void QFormerConfig::describe(OptionVisitor& v) {
  v.field("hidden_size", hidden_size, {.help = "Width of the queries", .min = 1, .max = kMaxSize});
  v.field("num_hidden_layers", num_hidden_layers, {.help = "Layers", .min = 1, .max = 1024});
  v.field("num_attention_heads", num_attention_heads,
          {.help = "Attention heads", .min = 1, .max = kMaxSize});
  v.field("intermediate_size", intermediate_size,
          {.help = "Width of the feed-forward part", .min = 1, .max = kMaxSize});
  v.field("hidden_act", hidden_act, {.help = "Activation of the feed-forward part"});
  v.field("layer_norm_eps", layer_norm_eps,
          {.help = "Epsilon of the layer norms", .min = 0, .max = 1});
  v.field("cross_attention_frequency", cross_attention_frequency,
          {.help = "Every how many layers the queries read the encoder's states, from the first on",
           .min = 1,
           .max = kMaxSize});
  v.field("encoder_hidden_size", encoder_hidden_size,
          {.help = "Width of the encoder's states", .min = 1, .max = kMaxSize});
  v.field("initializer_range", initializer_range,
          {.help = "Standard deviation of fresh weights", .min = 0, .max = 10});
}

void QFormerConfig::validate(ErrorKind kind) const {
  if (hidden_size % num_attention_heads != 0) {
    throw Error(kind, str("QFormer: 'hidden_size' ", hidden_size,
                          " is no multiple of 'num_attention_heads' ", num_attention_heads));
  }
  nn::parse_activation(hidden_act, "QFormer: hidden_act");
}

QFormerConfig qformer_config_from_json(const nlohmann::json& json, const std::string& origin) {
  const nlohmann::json object = own_section(json);
  QFormerConfig config;
  read_hf_options(object, config, origin);
  expect_model_type(object, {kModelType}, origin);
  config.validate(ErrorKind::kData);
  return config;
}

nlohmann::json qformer_config_to_json(const QFormerConfig& config) {
  nlohmann::json object = io::write_json_options(config);
  object["model_type"] = kModelType;
  object["architectures"] = {"Blip2QFormerModel"};
  return object;
}

}  // namespace reasonbrain::models::qformer
