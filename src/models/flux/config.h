// Options of the FLUX transformer: fields and defaults of diffusers' FluxTransformer2DModel.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "reasonbrain/describe.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::flux {

struct FluxConfig {
  int64_t patch_size = 1;  // widens the output only: packing is the caller's
  int64_t in_channels = 64;
  int64_t out_channels = 0;  // 0: as in_channels
  int64_t num_layers = 19;   // blocks with a stream of their own for text
  int64_t num_single_layers = 38;
  int64_t attention_head_dim = 128;
  int64_t num_attention_heads = 24;
  int64_t joint_attention_dim = 4096;
  int64_t pooled_projection_dim = 768;
  bool guidance_embeds = false;
  std::vector<int64_t> axes_dims_rope{16, 56, 56};

  void describe(OptionVisitor& v);

  int64_t width() const { return num_attention_heads * attention_head_dim; }
  int64_t output_width() const {
    return patch_size * patch_size * (out_channels == 0 ? in_channels : out_channels);
  }

  // Throws Error(kind) naming the option that does not fit the others.
  void validate(ErrorKind kind = ErrorKind::kConfig) const;
};

// From and to the config.json of a diffusers folder. Throws Error(kData) naming a key that is
// unknown or a value that is not supported.
FluxConfig flux_config_from_json(nlohmann::json json, const std::string& origin);
nlohmann::json flux_config_to_json(const FluxConfig& config);

}  // namespace reasonbrain::models::flux
