#include "models/llava/config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llava {
namespace {

constexpr int64_t kMaxLinears = 16;
constexpr int64_t kHfLinears = 2;

// The plain fields of transformers' LlavaConfig.
struct HfFields {
  int64_t image_token_index = 32000;
  std::string projector_hidden_act = "gelu";
  std::string vision_feature_select_strategy = "default";
  bool multimodal_projector_bias = true;
  bool tie_word_embeddings = false;

  void describe(OptionVisitor& v) {
    v.field("image_token_index", image_token_index,
            {.help = "Token that stands for one feature of a picture", .min = 0, .max = 1e8});
    v.field("projector_hidden_act", projector_hidden_act,
            {.help = "Activation between the linears of the projector"});
    v.field("vision_feature_select_strategy", vision_feature_select_strategy,
            {.help = "default: without the class token; full: with it"});
    v.field("multimodal_projector_bias", multimodal_projector_bias,
            {.help = "Biases in the projector"});
    v.field("tie_word_embeddings", tie_word_embeddings,
            {.help = "One table for input tokens and logits"});
  }
};

// The fields of the original configuration that decide what is computed.
struct OriginalFields {
  std::string mm_projector_type = "linear";
  std::string mm_vision_select_feature = "patch";
  int64_t mm_vision_select_layer = -2;
  int64_t mm_hidden_size = 0;
  std::string mm_patch_merge_type = "flat";
  int64_t tokenizer_model_max_length = 0;
  std::string tokenizer_padding_side = "right";
  int64_t image_token_index = -1;

  void describe(OptionVisitor& v) {
    v.field("mm_projector_type", mm_projector_type,
            {.help = "Projector: linear, mlp2x_gelu and so on, identity"});
    v.field("mm_vision_select_feature", mm_vision_select_feature,
            {.help = "patch: without the class token; cls_patch: with it"});
    v.field("mm_vision_select_layer", mm_vision_select_layer,
            {.help = "CLIP hidden state; negative counts from the end", .min = -1000, .max = 1000});
    v.field("mm_hidden_size", mm_hidden_size,
            {.help = "Width of the image tower; 0: as it is", .min = 0, .max = 1 << 20});
    v.field("mm_patch_merge_type", mm_patch_merge_type,
            {.help = "How the features of several crops are joined; flat: one crop"});
    v.field("tokenizer_model_max_length", tokenizer_model_max_length,
            {.help = "Where longer sequences end; 0: nowhere", .min = 0, .max = 1e9});
    v.field("tokenizer_padding_side", tokenizer_padding_side,
            {.help = "Side on which shorter sequences are filled"});
    v.field("image_token_index", image_token_index,
            {.help = "Token that transformers' layout has for one feature of a "
                     "picture; -1: none",
             .min = -1,
             .max = 1e8});
  }
};

nlohmann::json section(const nlohmann::json& config, const char* name, const std::string& origin) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return nlohmann::json();
  if (!found->is_object()) {
    throw data_error(str(origin, ": ", name, " is ", found->dump(), "; expected an object"));
  }
  return *found;
}

clip::VisionConfig vision_section(const nlohmann::json& config, const std::string& origin) {
  const nlohmann::json vision = section(config, "vision_config", origin);
  if (!vision.is_null()) return clip::parse_vision_config(vision, origin + ": vision_config");
  clip::VisionConfig out;  // the reference's default: ViT-L/14 at 336 px
  out.hidden_size = 1024;
  out.intermediate_size = 4096;
  out.num_hidden_layers = 24;
  out.num_attention_heads = 16;
  out.projection_dim = 768;
  out.image_size = 336;
  out.patch_size = 14;
  return out;
}

std::vector<int64_t> feature_layers(const nlohmann::json& config, const std::string& origin) {
  const auto found = config.find("vision_feature_layer");
  if (found == config.end() || found->is_null()) return {-2};
  const nlohmann::json list = found->is_array() ? *found : nlohmann::json::array({*found});
  std::vector<int64_t> layers;
  for (const auto& layer : list) {
    if (!layer.is_number_integer()) {
      throw data_error(str(origin, ": vision_feature_layer is ", found->dump(),
                           "; expected a whole number or a list of them"));
    }
    layers.push_back(layer.get<int64_t>());
  }
  return layers;
}

bool chosen(const std::string& value, const char* name, const char* otherwise, const char* with,
            const std::string& origin) {
  if (value != otherwise && value != with) {
    throw data_error(str(origin, ": ", name, " '", value, "' is not supported; expected ",
                         otherwise, " or ", with));
  }
  return value == with;
}

int64_t projector_linears(const std::string& type, const std::string& origin) {
  if (type == "identity") return 0;
  if (type == "linear") return 1;
  const std::string head = "mlp", tail = "x_gelu";
  if (starts_with(type, head) && ends_with(type, tail)) {
    const std::string digits =
        type.substr(head.size(), type.size() - std::min(type.size(), head.size() + tail.size()));
    const bool number = !digits.empty() && digits.size() < 3 &&
                        digits.find_first_not_of("0123456789") == std::string::npos;
    const int64_t linears = number ? std::stoll(digits) : 0;
    if (linears >= 1 && linears <= kMaxLinears) return linears;
  }
  throw data_error(str(origin, ": mm_projector_type '", type,
                       "' is not supported; expected linear, mlp2x_gelu or identity"));
}

// Brings negative layers to the front of the list's range and refuses those beyond it.
void check(LlavaConfig& config, const std::string& origin) {
  const int64_t layers = config.vision.num_hidden_layers;
  if (config.feature_layers.empty()) {
    throw data_error(str(origin, ": vision_feature_layer is an empty list"));
  }
  for (const int64_t layer : config.feature_layers) {
    if (layer > layers || layer < -layers - 1) {
      throw data_error(str(origin, ": vision feature layer ", layer, "; the image tower has ",
                           layers, " layers, hence hidden states 0 to ", layers));
    }
  }
  if (config.projector_linears == 0 && config.vision.hidden_size != config.text.hidden_size) {
    throw data_error(str(origin, ": projector identity needs equal widths; the image tower has ",
                         config.vision.hidden_size, ", the language model ",
                         config.text.hidden_size));
  }
}

nlohmann::json original_to_json(const LlavaConfig& config) {
  nlohmann::json out = llama::to_hf_config(config.text);
  out["model_type"] = "llava";
  out["architectures"] = {"LlavaLlamaForCausalLM"};
  const int64_t linears = config.projector_linears;
  out["mm_projector_type"] = linears == 0   ? "identity"
                             : linears == 1 ? "linear"
                                            : str("mlp", linears, "x_gelu");
  out["mm_vision_select_feature"] = config.keep_class_token ? "cls_patch" : "patch";
  out["mm_vision_select_layer"] = config.feature_layers.front();
  out["mm_hidden_size"] = config.vision.hidden_size;
  if (config.max_length > 0) out["tokenizer_model_max_length"] = config.max_length;
  out["tokenizer_padding_side"] = config.pad_left ? "left" : "right";
  if (config.hf_image_token >= 0) out["image_token_index"] = config.hf_image_token;
  out["vision_config"] = clip::to_hf_config(config.vision, /*with_projection=*/false);
  return out;
}

}  // namespace

bool is_original_config(const nlohmann::json& config) {
  const auto architectures = config.find("architectures");
  if (architectures != config.end() && architectures->is_array() && !architectures->empty()) {
    if (architectures->front() == "LlavaForConditionalGeneration") return false;
    if (architectures->front() == "LlavaLlamaForCausalLM") return true;
  }
  for (const auto& entry : config.items()) {
    if (starts_with(entry.key(), "mm_")) return true;
  }
  return config.value("model_type", nlohmann::json()) == "llava_llama";
}

LlavaConfig parse_config(const nlohmann::json& config, const std::string& origin) {
  expect_model_type(config, {"llava"}, origin);
  nlohmann::json plain = config;
  if (config.contains("image_token_id")) plain["image_token_index"] = config["image_token_id"];
  HfFields fields;
  read_hf_options(plain, fields, origin);
  nlohmann::json text = section(config, "text_config", origin);
  if (text.is_null()) text = nlohmann::json::object();

  LlavaConfig out;
  out.vision = vision_section(config, origin);
  out.text = llama::parse_config(text, origin + ": text_config");
  out.text.tie_word_embeddings = out.text.tie_word_embeddings || fields.tie_word_embeddings;
  out.image_token_index = fields.image_token_index;
  out.feature_layers = feature_layers(config, origin);
  out.keep_class_token = chosen(fields.vision_feature_select_strategy,
                                "vision_feature_select_strategy", "default", "full", origin);
  out.projector_act = fields.projector_hidden_act;
  out.projector_bias = fields.multimodal_projector_bias;
  check(out, origin);
  return out;
}

LlavaConfig parse_original_config(const nlohmann::json& config, const clip::VisionConfig& vision,
                                  const std::string& origin) {
  expect_model_type(config, {"llava", "llava_llama", "llama"}, origin);
  OriginalFields fields;
  read_hf_options(config, fields, origin);
  nlohmann::json text = config;
  text["model_type"] = "llama";

  LlavaConfig out;
  out.vision = vision;
  out.text = llama::parse_config(text, origin);
  out.image_token_index = kPictureToken;
  out.feature_layers = {fields.mm_vision_select_layer};
  out.keep_class_token = chosen(fields.mm_vision_select_feature, "mm_vision_select_feature",
                                "patch", "cls_patch", origin);
  out.projector_linears = projector_linears(fields.mm_projector_type, origin);
  out.max_length = fields.tokenizer_model_max_length;
  out.hf_image_token = fields.image_token_index;
  out.pad_left =
      chosen(fields.tokenizer_padding_side, "tokenizer_padding_side", "right", "left", origin);
  if (fields.mm_patch_merge_type != "flat") {
    throw data_error(str(origin, ": mm_patch_merge_type '", fields.mm_patch_merge_type,
                         "' is not supported; only flat is"));
  }
  if (fields.mm_hidden_size != 0 && fields.mm_hidden_size != vision.hidden_size) {
    throw data_error(str(origin, ": mm_hidden_size ", fields.mm_hidden_size,
                         ", but the image tower has the width ", vision.hidden_size));
  }
  check(out, origin);
  return out;
}

LlavaConfig as_original(const LlavaConfig& config) {
  if (config.is_original()) return config;
  const auto require = [](bool fits, const char* field, const std::string& what) {
    if (!fits) throw data_error(str(field, ": LLaVA's original layout has ", what));
  };
  require(config.feature_layers.size() == 1, "vision_feature_layer", "one layer only");
  require(config.projector_act == "gelu", "projector_hidden_act",
          "gelu, not " + config.projector_act);
  require(config.projector_bias, "multimodal_projector_bias", "biases in the projector");
  LlavaConfig out = config;
  out.image_token_index = kPictureToken;
  out.hf_image_token = config.image_token_index;
  return out;
}

LlavaConfig as_hf(const LlavaConfig& config) {
  if (!config.is_original() || config.projector_linears != kHfLinears ||
      config.hf_image_token < 0) {
    return config;
  }
  LlavaConfig out = config;
  out.image_token_index = config.hf_image_token;
  out.hf_image_token = -1;
  out.max_length = 0;
  out.pad_left = false;
  return out;
}

nlohmann::json to_hf_config(const LlavaConfig& config) {
  if (config.is_original()) return original_to_json(config);
  HfFields fields;
  fields.image_token_index = config.image_token_index;
  fields.projector_hidden_act = config.projector_act;
  fields.vision_feature_select_strategy = config.keep_class_token ? "full" : "default";
  fields.multimodal_projector_bias = config.projector_bias;
  fields.tie_word_embeddings = config.text.tie_word_embeddings;
  nlohmann::json out = io::write_json_options(fields);
  if (config.feature_layers.size() == 1) {
    out["vision_feature_layer"] = config.feature_layers.front();
  } else {
    out["vision_feature_layer"] = config.feature_layers;
  }
  out["image_seq_length"] = config.num_features();
  out["text_config"] = llama::to_hf_config(config.text);
  out["vision_config"] = clip::to_hf_config(config.vision, /*with_projection=*/false);
  out["model_type"] = "llava";
  out["architectures"] = {"LlavaForConditionalGeneration"};
  return out;
}

}  // namespace reasonbrain::models::llava
