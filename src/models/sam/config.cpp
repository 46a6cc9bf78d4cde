#include "models/sam/config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"
#include "nn/activation.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::sam {
namespace {

constexpr double kMaxSize = 1 << 16;
constexpr int64_t kMaxGrid = 1024;  // patches along a side; SAM's own have 64

void require(bool condition, const std::string& origin, const std::string& problem) {
  if (!condition) throw data_error(str(origin, ": ", problem));
}

void check_vision(const VisionConfig& config, const std::string& origin) {
  require(config.hidden_size % config.num_attention_heads == 0, origin,
          str("vision_config: hidden_size ", config.hidden_size,
              " is not a multiple of num_attention_heads ", config.num_attention_heads));
  require(
      config.grid() >= 1 && config.grid() <= kMaxGrid, origin,
      str("vision_config: image_size ", config.image_size, " and patch_size ", config.patch_size,
          " make ", config.grid(), " patches a side, expected 1 to ", kMaxGrid));
  require(config.mlp_width() >= 1 && config.mlp_width() <= kMaxSize * 16, origin,
          str("vision_config: mlp_ratio ", config.mlp_ratio, " makes a feed-forward width of ",
              config.mlp_width()));
  nn::parse_activation(config.hidden_act, "hidden_act");
}

void check_decoder(const DecoderConfig& config, const std::string& origin) {
  const int64_t width_of_all = config.hidden_size;
  for (const int64_t width : {width_of_all, width_of_all / kLayerDownsampleRate,
                              width_of_all / config.attention_downsample_rate}) {
    require(width >= 1 && width % config.num_attention_heads == 0, origin,
            str("mask_decoder_config: an attention width of ", width, " (hidden_size, divided by ",
                kLayerDownsampleRate,
                " or attention_downsample_rate) is not a multiple of num_attention_heads ",
                config.num_attention_heads));
  }
  nn::parse_activation(config.hidden_act, "hidden_act");
}

void check_together(const SamConfig& config, const std::string& origin) {
  const VisionConfig& vision = config.vision;
  const PromptConfig& prompt = config.prompt;
  const int64_t width = config.decoder.hidden_size;
  require(vision.output_channels == width, origin,
          str("vision_config.output_channels is ", vision.output_channels,
              ", expected mask_decoder_config.hidden_size, ", width));
  require(prompt.hidden_size == width, origin,
          str("prompt_encoder_config.hidden_size is ", prompt.hidden_size,
              ", expected mask_decoder_config.hidden_size, ", width));
  require(2 * vision.num_pos_feats == width, origin,
          str("vision_config.num_pos_feats is ", vision.num_pos_feats,
              ", expected half of mask_decoder_config.hidden_size, ", width));
  require(prompt.grid() == vision.grid(), origin,
          str("prompt_encoder_config: image_size ", prompt.image_size, " and patch_size ",
              prompt.patch_size, " make ", prompt.grid(),
              " patches a side, those of vision_config ", vision.grid()));
  nn::parse_activation(prompt.hidden_act, "hidden_act");
}

}  // namespace

int64_t VisionConfig::mlp_width() const {
  return mlp_dim > 0 ? mlp_dim : static_cast<int64_t>(static_cast<double>(hidden_size) * mlp_ratio);
}

int64_t VisionConfig::window_of(int64_t layer) const {
  const auto& global = global_attn_indexes;
  return std::find(global.begin(), global.end(), layer) == global.end() ? window_size : 0;
}

void VisionConfig::describe(OptionVisitor& v) {
  v.field("hidden_size", hidden_size, {.help = "Width of the states", .min = 1, .max = kMaxSize});
  v.field("output_channels", output_channels,
          {.help = "Channels of the picture's embedding", .min = 8, .max = kMaxSize});
  v.field("num_hidden_layers", num_hidden_layers,
          {.help = "Number of layers", .min = 0, .max = 1000});
  v.field("num_attention_heads", num_attention_heads,
          {.help = "Number of attention heads; divides hidden_size", .min = 1, .max = kMaxSize});
  v.field("num_channels", num_channels, {.help = "Channels of the picture", .min = 1, .max = 1024});
  v.field("image_size", image_size,
          {.help = "Side of the square picture", .unit = "px", .min = 1, .max = kMaxSize});
  v.field("patch_size", patch_size,
          {.help = "Side of a patch", .unit = "px", .min = 1, .max = kMaxSize});
  v.field("hidden_act", hidden_act, {.help = "Activation of the feed-forward part"});
  v.field("layer_norm_eps", layer_norm_eps,
          {.help = "Added to the variance in the layers' norms", .min = 0, .max = 1});
  v.field("qkv_bias", qkv_bias, {.help = "Bias of query, key and value"});
  v.field("mlp_ratio", mlp_ratio,
          {.help = "Feed-forward width over hidden_size, unless mlp_dim is given",
           .min = 0,
           .max = 1000});
  v.field("use_abs_pos", use_abs_pos, {.help = "A learned position for each patch"});
  v.field("use_rel_pos", use_rel_pos,
          {.help = "Learned relative positions in attention, rows and columns apart"});
  v.field("window_size", window_size,
          {.help = "Side of the windows that layers attend in; 0: the whole grid",
           .unit = "patches",
           .min = 0,
           .max = kMaxGrid});
  v.field("global_attn_indexes", global_attn_indexes,
          {.help = "Layers that attend to the whole grid"});
  v.field("num_pos_feats", num_pos_feats,
          {.help = "Random frequencies of positions, half of the decoder's width",
           .min = 1,
           .max = kMaxSize});
  v.field("mlp_dim", mlp_dim,
          {.help = "Width of the feed-forward part; 0: by mlp_ratio", .min = 0, .max = 1 << 20});
}

void PromptConfig::describe(OptionVisitor& v) {
  v.field("hidden_size", hidden_size,
          {.help = "Width of a prompt's tokens", .min = 8, .max = kMaxSize});
  v.field("image_size", image_size,
          {.help = "Side of the picture that coordinates refer to",
           .unit = "px",
           .min = 1,
           .max = kMaxSize});
  v.field("patch_size", patch_size,
          {.help = "Side of a patch", .unit = "px", .min = 1, .max = kMaxSize});
  v.field("mask_input_channels", mask_input_channels,
          {.help = "Channels inside the embedding of a given mask", .min = 4, .max = kMaxSize});
  v.field("num_point_embeddings", num_point_embeddings,
          {.help = "Kinds of points: background, foreground, two corners of a box",
           .min = 2,
           .max = 1024});
  v.field("hidden_act", hidden_act, {.help = "Activation of the embedding of a given mask"});
  v.field("layer_norm_eps", layer_norm_eps,
          {.help = "Added to the variance in its norms", .min = 0, .max = 1});
}

void DecoderConfig::describe(OptionVisitor& v) {
  v.field("hidden_size", hidden_size, {.help = "Width of the tokens", .min = 8, .max = kMaxSize});
  v.field("hidden_act", hidden_act, {.help = "Activation of the layers' feed-forward part"});
  v.field("mlp_dim", mlp_dim,
          {.help = "Width of the layers' feed-forward part", .min = 1, .max = 1 << 20});
  v.field("num_hidden_layers", num_hidden_layers,
          {.help = "Number of two-way layers", .min = 0, .max = 1000});
  v.field("num_attention_heads", num_attention_heads,
          {.help = "Number of attention heads", .min = 1, .max = kMaxSize});
  v.field("attention_downsample_rate", attention_downsample_rate,
          {.help = "How much narrower the last attention is; that of the layers is halved",
           .min = 1,
           .max = kMaxSize});
  v.field("num_multimask_outputs", num_multimask_outputs,
          {.help = "Masks for a prompt that may mean several things", .min = 1, .max = 1024});
  v.field("iou_head_depth", iou_head_depth,
          {.help = "Layers of the head that rates the masks", .min = 0, .max = 1000});
  v.field("iou_head_hidden_dim", iou_head_hidden_dim,
          {.help = "Width of this head", .min = 1, .max = kMaxSize});
  v.field("layer_norm_eps", layer_norm_eps,
          {.help = "Added to the variance in the layers' norms", .min = 0, .max = 1});
}

void SamConfig::describe(OptionVisitor& v) {
  v.group("vision_config", vision, {.help = "Image encoder"});
  v.group("prompt_encoder_config", prompt, {.help = "Prompt encoder"});
  v.group("mask_decoder_config", decoder, {.help = "Mask decoder"});
  v.field("tie_word_embeddings", tie_word_embeddings,
          {.help = "Picture and prompts share the table of positions"});
}

SamConfig parse_sam_config(const nlohmann::json& config, const std::string& origin) {
  expect_model_type(config, {"sam"}, origin);
  SamConfig out;
  read_hf_options(config, out, origin);
  check_vision(out.vision, origin);
  check_decoder(out.decoder, origin);
  check_together(out, origin);
  return out;
}

nlohmann::json to_hf_config(const SamConfig& config) {
  nlohmann::json out = io::write_json_options(config);
  if (config.vision.mlp_dim == 0) out["vision_config"]["mlp_dim"] = config.vision.mlp_width();
  out["model_type"] = "sam";
  out["architectures"] = {"SamModel"};
  return out;
}

}  // namespace reasonbrain::models::sam
