#include "models/vae/config.h"

#include "core/str.h"
#include "io/json_options.h"
#include "nn/activation.h"

namespace reasonbrain::models::vae {
namespace {

constexpr double kMaxWidth = 1 << 20;
constexpr size_t kMaxLevels = 16;

void require(bool condition, ErrorKind kind, const std::string& message) {
  if (!condition) throw Error(kind, "autoencoder: " + message);
}

void check_types(const char* key, const std::vector<std::string>& types, const std::string& plain,
                 size_t num_levels, ErrorKind kind) {
  require(types.size() == num_levels, kind,
          str("'", key, "' has ", types.size(), " entries, expected ", num_levels,
              ", one for each of 'block_out_channels'"));
  for (const auto& type : types) {
    require(type == plain || type == "Attn" + plain, kind,
            str("'", key, "' holds '", type, "', which is not supported; expected ", plain,
                " or Attn", plain));
  }
}

}  // namespace

void VaeConfig::describe(OptionVisitor& v) {
  v.field("in_channels", in_channels, {.help = "Channels of the picture", .min = 1, .max = 4096});
  v.field("out_channels", out_channels,
          {.help = "Channels of the decoded picture", .min = 1, .max = 4096});
  v.field("down_block_types", down_block_types,
          {.help = "Per level, DownEncoderBlock2D or AttnDownEncoderBlock2D"});
  v.field("up_block_types", up_block_types,
          {.help = "Per level from the latent up, UpDecoderBlock2D or AttnUpDecoderBlock2D"});
  v.field("block_out_channels", block_out_channels,
          {.help = "Width of each level", .min = 1, .max = kMaxWidth});
  v.field("layers_per_block", layers_per_block,
          {.help = "Residual blocks per level of the encoder; the decoder has one more",
           .min = 1,
           .max = 100});
  v.field("act_fn", act_fn, {.help = "Activation of the residual blocks: silu, gelu, relu, mish"});
  v.field("latent_channels", latent_channels,
          {.help = "Channels of the latent", .min = 1, .max = kMaxWidth});
  v.field("norm_num_groups", norm_num_groups,
          {.help = "Groups of the group norms", .min = 1, .max = kMaxWidth});
  v.field("sample_size", sample_size,
          {.help = "Picture size of training", .unit = "px", .min = 1, .max = kMaxWidth});
  v.field("scaling_factor", scaling_factor,
          {.help = "The denoiser sees (latent - shift) * scaling"});
  v.field("shift_factor", shift_factor, {.help = "Subtracted from the latent before scaling"});
  v.field("latents_mean", latents_mean,
          {.help = "Accepted for the reference's sake; scaling_factor and shift_factor scale"});
  v.field("latents_std", latents_std, {.help = "As latents_mean"});
  v.field("force_upcast", force_upcast,
          {.help = "Accepted for the reference's sake; the autoencoder runs in the model's dtype"});
  v.field("use_quant_conv", use_quant_conv, {.help = "1x1 convolution after the encoder"});
  v.field("use_post_quant_conv", use_post_quant_conv,
          {.help = "1x1 convolution before the decoder"});
  v.field("mid_block_add_attention", mid_block_add_attention,
          {.help = "Self-attention at the lowest resolution"});
}

void VaeConfig::validate(ErrorKind kind) const {
  const size_t levels = block_out_channels.size();
  require(levels >= 1 && levels <= kMaxLevels, kind,
          str("'block_out_channels' has ", levels, " entries, expected 1 to ", kMaxLevels));
  check_types("down_block_types", down_block_types, "DownEncoderBlock2D", levels, kind);
  check_types("up_block_types", up_block_types, "UpDecoderBlock2D", levels, kind);
  for (const int64_t width : block_out_channels) {
    require(norm_num_groups > 0 && width > 0 && width % norm_num_groups == 0, kind,
            str("'block_out_channels' holds ", width, ", which 'norm_num_groups' ", norm_num_groups,
                " does not divide"));
  }
  nn::parse_activation(act_fn, "act_fn");
}

VaeConfig vae_config_from_json(nlohmann::json object, const std::string& origin) {
  if (!object.is_object()) throw data_error(str(origin, ": expected a JSON object"));
  for (const char* key : {"_class_name", "_diffusers_version", "_name_or_path",
                          "_use_default_values", "dtype", "torch_dtype"}) {
    object.erase(key);
  }
  if (object.contains("sample_size") && object["sample_size"].is_array())
    object.erase("sample_size");
  VaeConfig config;
  io::read_json_options(object, config, origin);
  config.validate(ErrorKind::kData);
  return config;
}

nlohmann::json vae_config_to_json(const VaeConfig& config) {
  nlohmann::json object = io::write_json_options(config);
  if (config.shift_factor == 0) object["shift_factor"] = nullptr;
  if (config.latents_mean.empty()) object["latents_mean"] = nullptr;
  if (config.latents_std.empty()) object["latents_std"] = nullptr;
  object["_class_name"] = "AutoencoderKL";
  return object;
}

}  // namespace reasonbrain::models::vae
