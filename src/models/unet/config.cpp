#include "models/unet/config.h"

#include <algorithm>

#include "core/str.h"
#include "nn/activation.h"

namespace reasonbrain::models::unet {
namespace {

constexpr const char* kCrossDown = "CrossAttnDownBlock2D";
constexpr const char* kCrossUp = "CrossAttnUpBlock2D";
constexpr const char* kCrossMid = "UNetMidBlock2DCrossAttn";
const std::vector<std::string> kDownTypes{"DownBlock2D", kCrossDown};
const std::vector<std::string> kUpTypes{"UpBlock2D", kCrossUp};
const std::vector<std::string> kMidTypes{kCrossMid, "UNetMidBlock2D", "none"};
constexpr double kMaxWidth = 1 << 20;
constexpr double kMaxLayers = 100;  // of a level; there may be as many in each of these
constexpr size_t kMaxLevels = 16;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void require(bool condition, ErrorKind kind, const std::string& message) {
  if (!condition) throw Error(kind, "UNet: " + message);
}

void check_types(const char* key, const std::vector<std::string>& types,
                 const std::vector<std::string>& known, size_t num_levels, ErrorKind kind) {
  require(types.size() == num_levels, kind,
          str("'", key, "' has ", types.size(), " entries, expected ", num_levels,
              ", one for each of 'block_out_channels'"));
  for (const auto& type : types) {
    require(contains(known, type), kind,
            str("'", key, "' holds '", type, "', which is not supported; expected ",
                join(known, " or ")));
  }
}

void check_per_level(const char* key, const std::vector<int64_t>& values, int64_t min,
                     size_t num_levels, ErrorKind kind) {
  require(values.size() == 1 || values.size() == num_levels, kind,
          str("'", key, "' has ", values.size(), " entries, expected 1 or ", num_levels));
  for (const int64_t value : values) {
    require(value >= min, kind, str("'", key, "' holds ", value, ", expected at least ", min));
  }
}

}  // namespace

void UNetConfig::describe(OptionVisitor& v) {
  v.field("in_channels", in_channels,
          {.help = "Channels of the input sample", .min = 1, .max = 4096});
  v.field("out_channels", out_channels, {.help = "Channels of the output", .min = 1, .max = 4096});
  v.field("sample_size", sample_size,
          {.help = "Latent size of training, 0 when not stated",
           .unit = "latent px",
           .min = 0,
           .max = kMaxWidth});
  v.field("center_input_sample", center_input_sample, {.help = "Map the input to 2 x - 1 first"});
  v.field("flip_sin_to_cos", flip_sin_to_cos,
          {.help = "Time embedding as cos|sin instead of sin|cos"});
  v.field("freq_shift", freq_shift, {.help = "Shift of the frequencies of the time embedding"});
  v.field("down_block_types", down_block_types,
          {.help = "Per level, DownBlock2D or CrossAttnDownBlock2D"});
  v.field("mid_block_type", mid_block_type,
          {.help = "UNetMidBlock2DCrossAttn, UNetMidBlock2D (one residual block) or none"});
  v.field("up_block_types", up_block_types,
          {.help = "Per level from the lowest resolution up, UpBlock2D or CrossAttnUpBlock2D"});
  v.field("block_out_channels", block_out_channels,
          {.help = "Width of each level", .min = 1, .max = kMaxWidth});
  v.field("layers_per_block", layers_per_block,
          {.help = "Residual blocks per level", .min = 1, .max = kMaxLayers});
  v.field(
      "only_cross_attention", only_cross_attention,
      {.help = "1 where the first attention of a block reads the context too", .min = 0, .max = 1});
  v.field("cross_attention_dim", cross_attention_dim,
          {.help = "Width of the context", .min = 1, .max = kMaxWidth});
  v.field("transformer_layers_per_block", transformer_layers_per_block,
          {.help = "Transformer blocks per attention", .min = 1, .max = kMaxLayers});
  v.field("attention_head_dim", attention_head_dim,
          {.help = "Number of attention heads (the reference's historic name)",
           .min = 1,
           .max = kMaxWidth});
  v.field("num_attention_heads", num_attention_heads,
          {.help = "Number of attention heads; goes before attention_head_dim",
           .min = 1,
           .max = kMaxWidth});
  v.field("use_linear_projection", use_linear_projection,
          {.help = "Linear instead of 1x1 convolution around the attention"});
  v.field(
      "upcast_attention", upcast_attention,
      {.help = "Accepted for the reference's sake; attention scores are accumulated in float32"});
  v.field("norm_num_groups", norm_num_groups,
          {.help = "Groups of the group norms", .min = 1, .max = kMaxWidth});
  v.field("norm_eps", norm_eps, {.help = "Epsilon of the group norms", .min = 0, .max = 1});
  v.field("act_fn", act_fn, {.help = "Activation: silu, gelu, relu, mish"});
  v.field("time_embedding_dim", time_embedding_dim,
          {.help = "Width of the time embedding; 0: 4 times the first of block_out_channels",
           .min = 0,
           .max = kMaxWidth});
  v.field("time_cond_proj_dim", time_cond_proj_dim,
          {.help = "Width of an extra condition of the time embedding, 0 for none",
           .min = 0,
           .max = kMaxWidth});
  v.field("conv_in_kernel", conv_in_kernel,
          {.help = "Kernel of the first convolution", .min = 1, .max = 15});
  v.field("conv_out_kernel", conv_out_kernel,
          {.help = "Kernel of the last convolution", .min = 1, .max = 15});
}

int64_t UNetConfig::num_heads(size_t level) const {
  return at_level(num_attention_heads.empty() ? attention_head_dim : num_attention_heads, level);
}

bool UNetConfig::attends_down(size_t level) const {
  return down_block_types[level] == kCrossDown;
}

bool UNetConfig::attends_mid() const {
  return mid_block_type == kCrossMid;
}

bool UNetConfig::attends_up(size_t level) const {
  return up_block_types[num_levels() - 1 - level] == kCrossUp;
}

bool UNetConfig::attends(size_t level) const {
  return attends_down(level) || attends_up(level) || (level + 1 == num_levels() && attends_mid());
}

void UNetConfig::validate(ErrorKind kind) const {
  const size_t levels = num_levels();
  require(levels >= 1 && levels <= kMaxLevels, kind,
          str("'block_out_channels' has ", levels, " entries, expected 1 to ", kMaxLevels));
  check_types("down_block_types", down_block_types, kDownTypes, levels, kind);
  check_types("up_block_types", up_block_types, kUpTypes, levels, kind);
  require(contains(kMidTypes, mid_block_type), kind,
          str("'mid_block_type' '", mid_block_type, "' is not supported; expected ",
              join(kMidTypes, ", ")));
  check_per_level("block_out_channels", block_out_channels, 1, levels, kind);
  check_per_level("layers_per_block", layers_per_block, 1, levels, kind);
  check_per_level("only_cross_attention", only_cross_attention, 0, levels, kind);
  check_per_level("cross_attention_dim", cross_attention_dim, 1, levels, kind);
  check_per_level("transformer_layers_per_block", transformer_layers_per_block, 1, levels, kind);
  check_per_level("attention_head_dim", attention_head_dim, 1, levels, kind);
  if (!num_attention_heads.empty()) {
    check_per_level("num_attention_heads", num_attention_heads, 1, levels, kind);
  }
  for (size_t level = 0; level < levels; ++level) {
    const int64_t width = block_out_channels[level];
    require(norm_num_groups > 0 && width % norm_num_groups == 0, kind,
            str("'block_out_channels' holds ", width, ", which 'norm_num_groups' ", norm_num_groups,
                " does not divide"));
    require(!attends(level) || num_heads(level) <= width, kind,
            str("'", num_attention_heads.empty() ? "attention_head_dim" : "num_attention_heads",
                "' gives level ", level, " ", num_heads(level), " attention heads for ", width,
                " channels"));
  }
  nn::parse_activation(act_fn, "act_fn");
}

}  // namespace reasonbrain::models::unet
