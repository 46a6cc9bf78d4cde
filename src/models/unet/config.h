// Options of the UNet, by diffusers' names (UNet2DConditionModel).
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "reasonbrain/describe.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::unet {

// Defaults are those of the reference class. Lists named "per level" hold one value for every level
// or a single one for all of them.
struct UNetConfig {
  int64_t in_channels = 4;
  int64_t out_channels = 4;
  int64_t sample_size = 0;  // 0: not stated
  bool center_input_sample = false;
  bool flip_sin_to_cos = true;
  double freq_shift = 0;
  std::vector<std::string> down_block_types{"CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                                            "CrossAttnDownBlock2D", "DownBlock2D"};
  std::string mid_block_type = "UNetMidBlock2DCrossAttn";
  std::vector<std::string> up_block_types{"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                                          "CrossAttnUpBlock2D"};
  std::vector<int64_t> block_out_channels{320, 640, 1280, 1280};
  std::vector<int64_t> layers_per_block{2};              // per level
  std::vector<int64_t> only_cross_attention{0};          // per level, 0 or 1
  std::vector<int64_t> cross_attention_dim{1280};        // per level
  std::vector<int64_t> transformer_layers_per_block{1};  // per level
  std::vector<int64_t> attention_head_dim{8};  // per level: number of heads, despite its name
  std::vector<int64_t> num_attention_heads;    // per level; goes before attention_head_dim
  bool use_linear_projection = false;
  bool upcast_attention = false;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  std::string act_fn = "silu";
  int64_t time_embedding_dim = 0;  // 0: 4 times the first width
  int64_t time_cond_proj_dim = 0;  // 0: none
  int64_t conv_in_kernel = 3;
  int64_t conv_out_kernel = 3;

  void describe(OptionVisitor& v);

  size_t num_levels() const { return block_out_channels.size(); }
  int64_t time_width() const {  // of the time embedding
    return time_embedding_dim > 0 ? time_embedding_dim : 4 * block_out_channels[0];
  }
  int64_t num_heads(size_t level) const;
  // Which blocks have transformers; levels count from the highest resolution.
  bool attends_down(size_t level) const;
  bool attends_mid() const;
  bool attends_up(size_t level) const;
  bool attends(size_t level) const;  // any of these at that level
  static int64_t at_level(const std::vector<int64_t>& values, size_t level) {
    return values.size() == 1 ? values[0] : values[level];
  }

  // Throws Error(kind) naming the option that does not fit the others.
  void validate(ErrorKind kind = ErrorKind::kConfig) const;
};

// From and to the config.json of a diffusers folder. A key that changes the reference's computation
// and that we do not have is refused by name unless it holds the reference's default: Error(kData).
// Dropout is passed over: there is none here, in training neither.
UNetConfig unet_config_from_json(nlohmann::json json, const std::string& origin);
nlohmann::json unet_config_to_json(const UNetConfig& config);

}  // namespace reasonbrain::models::unet
