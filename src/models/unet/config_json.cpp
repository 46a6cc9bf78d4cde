#include "core/str.h"
#include "io/json_options.h"
#include "models/unet/config.h"

namespace reasonbrain::models::unet {
namespace {

using nlohmann::json;

// Keys of the reference that change what it computes, with the only value that we compute.
const json& fixed_values() {
  static const json values = {
      {"downsample_padding", 1},
      {"mid_block_scale_factor", 1},
      {"reverse_transformer_layers_per_block", nullptr},
      {"encoder_hid_dim", nullptr},
      {"encoder_hid_dim_type", nullptr},
      {"dual_cross_attention", false},
      {"class_embed_type", nullptr},
      {"addition_embed_type", nullptr},
      {"num_class_embeds", nullptr},
      {"resnet_time_scale_shift", "default"},
      {"resnet_skip_time_act", false},
      {"resnet_out_scale_factor", 1.0},
      {"time_embedding_type", "positional"},
      {"time_embedding_act_fn", nullptr},
      {"timestep_post_act", nullptr},
      {"attention_type", "default"},
      {"class_embeddings_concat", false},
      {"cross_attention_norm", nullptr},
  };
  return values;
}

// Keys that the reference writes and that change nothing in the forms that we accept. Dropout is 0
// here, in training too, whatever the file says.
const std::vector<std::string> kInert{"_class_name",
                                      "dropout",
                                      "dtype",
                                      "torch_dtype",
                                      "_diffusers_version",
                                      "_name_or_path",
                                      "_use_default_values",
                                      "addition_embed_type_num_heads",
                                      "addition_time_embed_dim",
                                      "mid_block_only_cross_attention",
                                      "projection_class_embeddings_input_dim"};

const char* const kPerLevel[] = {"layers_per_block",    "only_cross_attention",
                                 "cross_attention_dim", "transformer_layers_per_block",
                                 "attention_head_dim",  "num_attention_heads"};

// A scalar becomes a list of one, booleans become 0 and 1.
void make_list(json& value) {
  if (!value.is_array()) value = json::array({value});
  for (auto& item : value) {
    if (item.is_boolean()) item = item.get<bool>() ? 1 : 0;
  }
}

}  // namespace

UNetConfig unet_config_from_json(json object, const std::string& origin) {
  if (!object.is_object()) throw data_error(str(origin, ": expected a JSON object"));
  for (const auto& [key, value] : fixed_values().items()) {
    if (!object.contains(key)) continue;
    if (object[key] != value) {
      throw data_error(str(origin, ": '", key, "' is ", object[key].dump(),
                           ", which is not supported; expected ", value.dump()));
    }
    object.erase(key);
  }
  for (const auto& key : kInert) object.erase(key);
  for (const char* key : kPerLevel) {
    if (object.contains(key) && !object[key].is_null()) make_list(object[key]);
  }
  if (object.contains("mid_block_type") && object["mid_block_type"].is_null())
    object["mid_block_type"] = "none";
  if (object.contains("sample_size") && object["sample_size"].is_array()) {
    const json sides = object["sample_size"];  // no part of the function
    if (sides.size() == 2 && sides[0] == sides[1]) {
      object["sample_size"] = sides[0];
    } else {
      object.erase("sample_size");
    }
  }

  UNetConfig config;
  io::read_json_options(object, config, origin);
  config.validate(ErrorKind::kData);
  return config;
}

json unet_config_to_json(const UNetConfig& config) {
  json object = io::write_json_options(config);
  for (const char* key : kPerLevel) {
    if (object[key].size() == 1) object[key] = json(object[key][0]);
  }
  auto& only_cross = object["only_cross_attention"];
  if (only_cross.is_array()) {
    for (auto& item : only_cross) item = item.get<int64_t>() != 0;
  } else {
    only_cross = only_cross.get<int64_t>() != 0;
  }
  if (config.mid_block_type == "none") object["mid_block_type"] = nullptr;
  if (config.time_embedding_dim == 0) object["time_embedding_dim"] = nullptr;
  if (config.time_cond_proj_dim == 0) object["time_cond_proj_dim"] = nullptr;
  if (config.sample_size == 0) object["sample_size"] = nullptr;
  if (config.num_attention_heads.empty()) object["num_attention_heads"] = nullptr;
  object["_class_name"] = "UNet2DConditionModel";
  return object;
}

}  // namespace reasonbrain::models::unet
