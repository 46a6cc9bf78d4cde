// Options of the autoencoder, by diffusers' names (AutoencoderKL).
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "reasonbrain/describe.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::vae {

// Defaults are those of the reference class.
struct VaeConfig {
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  std::vector<std::string> down_block_types{"DownEncoderBlock2D"};
  std::vector<std::string> up_block_types{"UpDecoderBlock2D"};
  std::vector<int64_t> block_out_channels{64};
  int64_t layers_per_block = 1;
  std::string act_fn = "silu";
  int64_t latent_channels = 4;
  int64_t norm_num_groups = 32;
  int64_t sample_size = 32;
  double scaling_factor = 0.18215;
  double shift_factor = 0;
  std::vector<double> latents_mean, latents_std;  // kept for others: SD and FLUX read neither
  bool force_upcast = true;
  bool use_quant_conv = true;
  bool use_post_quant_conv = true;
  bool mid_block_add_attention = true;

  void describe(OptionVisitor& v);

  // Picture pixels per latent pixel, in each direction.
  int64_t downscale() const { return int64_t{1} << (block_out_channels.size() - 1); }

  // Throws Error(kind) naming the option that does not fit the others.
  void validate(ErrorKind kind = ErrorKind::kConfig) const;
};

// From and to the config.json of a diffusers folder. Throws Error(kData) naming a key that is
// unknown or a value that is not supported.
VaeConfig vae_config_from_json(nlohmann::json json, const std::string& origin);
nlohmann::json vae_config_to_json(const VaeConfig& config);

}  // namespace reasonbrain::models::vae
