#include "models/flux/config.h"

#include <numeric>

#include "core/str.h"
#include "io/json_options.h"

namespace reasonbrain::models::flux {
namespace {

constexpr const char* kClassName = "FluxTransformer2DModel";
constexpr double kMaxSize = 1 << 20;

}  // namespace

void FluxConfig::describe(OptionVisitor& v) {
  v.field("patch_size", patch_size,
          {.help = "Side of the square of outputs per token; the input is packed by the caller",
           .min = 1,
           .max = 64});
  v.field("in_channels", in_channels,
          {.help = "Channels of an image token", .min = 1, .max = kMaxSize});
  v.field("out_channels", out_channels,
          {.help = "Channels of an output token, 0: as in_channels", .min = 0, .max = kMaxSize});
  v.field("num_layers", num_layers,
          {.help = "Blocks with separate weights for text and image", .min = 0, .max = 1000});
  v.field("num_single_layers", num_single_layers,
          {.help = "Blocks with shared weights, after those", .min = 0, .max = 1000});
  v.field("attention_head_dim", attention_head_dim,
          {.help = "Width of an attention head", .min = 2, .max = kMaxSize});
  v.field("num_attention_heads", num_attention_heads,
          {.help = "Number of attention heads", .min = 1, .max = kMaxSize});
  v.field("joint_attention_dim", joint_attention_dim,
          {.help = "Width of the context", .min = 1, .max = kMaxSize});
  v.field("pooled_projection_dim", pooled_projection_dim,
          {.help = "Width of the pooled context", .min = 1, .max = kMaxSize});
  v.field("guidance_embeds", guidance_embeds,
          {.help = "The guidance scale is an input (guidance-distilled weights)"});
  v.field("axes_dims_rope", axes_dims_rope,
          {.help = "Share of a head that each position axis rotates; adds up to attention_head_dim",
           .min = 2,
           .max = kMaxSize});
}

void FluxConfig::validate(ErrorKind kind) const {
  const int64_t sum = std::accumulate(axes_dims_rope.begin(), axes_dims_rope.end(), int64_t{0});
  if (sum != attention_head_dim) {
    throw Error(kind, str("FLUX: 'axes_dims_rope' adds up to ", sum,
                          ", expected 'attention_head_dim' ", attention_head_dim));
  }
  if (static_cast<double>(width()) > kMaxSize) {
    throw Error(kind, str("FLUX: 'num_attention_heads' times 'attention_head_dim' is ", width(),
                          ", expected at most ", static_cast<int64_t>(kMaxSize)));
  }
  for (const int64_t dim : axes_dims_rope) {
    if (dim < 2 || dim % 2 != 0) {
      throw Error(kind, str("FLUX: 'axes_dims_rope' holds ", dim, ", expected even numbers"));
    }
  }
}

FluxConfig flux_config_from_json(nlohmann::json object, const std::string& origin) {
  if (!object.is_object()) throw data_error(str(origin, ": expected a JSON object"));
  if (object.contains("_class_name") && object["_class_name"] != kClassName) {
    throw data_error(str(origin, ": '_class_name' is ", object["_class_name"].dump(),
                         ", which is not read here; expected ", kClassName));
  }
  for (const char* key : {"_class_name", "_diffusers_version", "_name_or_path",
                          "_use_default_values", "dtype", "torch_dtype"}) {
    object.erase(key);
  }
  FluxConfig config;
  io::read_json_options(object, config, origin);
  config.validate(ErrorKind::kData);
  return config;
}

nlohmann::json flux_config_to_json(const FluxConfig& config) {
  nlohmann::json object = io::write_json_options(config);
  if (config.out_channels == 0) object["out_channels"] = nullptr;
  object["_class_name"] = kClassName;
  return object;
}

}  // namespace reasonbrain::models::flux
