#include "models/sam/layout.h"

#include <algorithm>

#include "core/str.h"

namespace reasonbrain::models::sam {
namespace {

constexpr const char* kPositions = "shared_image_embedding.positional_embedding";
constexpr const char* kPromptPositions = "prompt_encoder.shared_embedding.positional_embedding";

}  // namespace

KeyTable hf_keys(bool tied) {
  std::vector<KeyRule> rules;
  if (tied) rules = {{{kPositions}, {kPositions}}, {{kPromptPositions}, {kPositions}}};
  rules.push_back({{"{rest}"}, {"{rest}"}});
  return KeyTable(std::move(rules));
}

KeyTable original_keys(int64_t iou_head_depth) {
  const std::string decoder = "mask_decoder.", hyper = "output_hypernetworks_mlps.{i}.";
  const std::string block = "image_encoder.blocks.{i}.", layer = "vision_encoder.layers.{i}.";
  const std::string two_way = "mask_decoder.transformer.layers.{i}.";
  const std::string down = "prompt_encoder.mask_downscaling.", mask = "prompt_encoder.mask_embed.";
  std::vector<KeyRule> rules = {
      {{"prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"}, {kPositions}},
      {{"image_encoder.pos_embed"}, {"vision_encoder.pos_embed"}},
      {{"image_encoder.patch_embed.proj.{p}"}, {"vision_encoder.patch_embed.projection.{p}"}},
      {{"image_encoder.neck.0.{p}"}, {"vision_encoder.neck.conv1.{p}"}},
      {{"image_encoder.neck.1.{p}"}, {"vision_encoder.neck.layer_norm1.{p}"}},
      {{"image_encoder.neck.2.{p}"}, {"vision_encoder.neck.conv2.{p}"}},
      {{"image_encoder.neck.3.{p}"}, {"vision_encoder.neck.layer_norm2.{p}"}},
      {{block + "norm{j}.{p}"}, {layer + "layer_norm{j}.{p}"}},
      {{block + "{rest}"}, {layer + "{rest}"}},
      {{"prompt_encoder.point_embeddings.{i}.weight"}, {"prompt_encoder.point_embed.{i}.weight"}},
      {{down + "0.{p}"}, {mask + "conv1.{p}"}},
      {{down + "1.{p}"}, {mask + "layer_norm1.{p}"}},
      {{down + "3.{p}"}, {mask + "conv2.{p}"}},
      {{down + "4.{p}"}, {mask + "layer_norm2.{p}"}},
      {{down + "6.{p}"}, {mask + "conv3.{p}"}},
      {{two_way + "norm{j}.{p}"}, {two_way + "layer_norm{j}.{p}"}},
      {{decoder + "transformer.norm_final_attn.{p}"},
       {decoder + "transformer.layer_norm_final_attn.{p}"}},
      {{decoder + "output_upscaling.0.{p}"}, {decoder + "upscale_conv1.{p}"}},
      {{decoder + "output_upscaling.1.{p}"}, {decoder + "upscale_layer_norm.{p}"}},
      {{decoder + "output_upscaling.3.{p}"}, {decoder + "upscale_conv2.{p}"}},
  };
  // The layers of a head are counted there; here the first and the last have names.
  const auto add_head = [&](const std::string& head, int64_t depth) {
    const int64_t last = std::max<int64_t>(depth, 2) - 1;
    for (int64_t i = 0; i <= last; ++i) {
      const std::string name = i == 0 ? "proj_in" : i == last ? "proj_out" : str("layers.", i - 1);
      rules.push_back({{str(head, "layers.", i, ".{p}")}, {str(head, name, ".{p}")}});
    }
  };
  add_head(decoder + hyper, 3);
  add_head(decoder + "iou_prediction_head.", iou_head_depth);
  rules.push_back({{"{rest}"}, {"{rest}"}});
  return KeyTable(std::move(rules));
}

bool is_original_layout(const std::vector<std::string>& keys) {
  return any_key_matches(keys, "image_encoder.{rest}");
}

}  // namespace reasonbrain::models::sam
