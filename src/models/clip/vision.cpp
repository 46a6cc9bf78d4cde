#include "models/clip/vision.h"

#include <cmath>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::clip {
namespace {

constexpr double kEmbeddingStd = 0.02;  // the reference's initializer_range

double width_std(const VisionConfig& config) {
  return 1.0 / std::sqrt(static_cast<double>(config.hidden_size));
}

}  // namespace

VisionEmbeddingsImpl::VisionEmbeddingsImpl(const VisionConfig& config, const nn::Build& build)
    : num_channels_(config.num_channels), image_size_(config.image_size) {
  const nn::Build normal = build.normal(kEmbeddingStd);
  class_embedding = parameter("class_embedding", {config.hidden_size}, build.tensor,
                              nn::Init::normal(width_std(config)));
  patch_embedding = register_module(
      "patch_embedding", nn::Conv2d(config.num_channels, config.hidden_size, config.patch_size,
                                    config.patch_size, /*padding=*/0, /*bias=*/false, normal));
  position_embedding =
      register_module("position_embedding",
                      nn::Embedding(config.grid() * config.grid() + 1, config.hidden_size, normal));
}

torch::Tensor VisionEmbeddingsImpl::forward(const torch::Tensor& pixel_values) {
  if (pixel_values.dim() != 4 || pixel_values.size(1) != num_channels_ ||
      pixel_values.size(2) != image_size_ || pixel_values.size(3) != image_size_) {
    throw data_error(reasonbrain::str("pixel_values have the shape ", pixel_values.sizes(),
                                      "; expected [batch, ", num_channels_, ", ", image_size_, ", ",
                                      image_size_, "]"));
  }
  const torch::Tensor patches = patch_embedding(pixel_values).flatten(2).transpose(1, 2);
  const torch::Tensor class_token = class_embedding.expand({patches.size(0), 1, -1});
  return at::cat({class_token, patches}, 1) + position_embedding->weight;
}

VisionTransformerImpl::VisionTransformerImpl(const VisionConfig& config, const nn::Build& build) {
  const int64_t width = config.hidden_size;
  embeddings = register_module("embeddings", VisionEmbeddings(config, build));
  pre_layrnorm =
      register_module("pre_layrnorm", nn::LayerNorm(width, config.layer_norm_eps, build));
  encoder = register_module("encoder", Encoder(config, build));
  post_layernorm =
      register_module("post_layernorm", nn::LayerNorm(width, config.layer_norm_eps, build));
}

VisionModelImpl::VisionModelImpl(const VisionConfig& config, bool with_projection,
                                 const nn::Build& build)
    : config_(config) {
  vision_model = register_module("vision_model", VisionTransformer(config, build));
  if (with_projection) {
    visual_projection = register_module(
        "visual_projection", nn::Linear(config.hidden_size, config.projection_dim, /*bias=*/false,
                                        build.normal(width_std(config))));
  }
}

std::vector<torch::Tensor> VisionModelImpl::hidden_states(const torch::Tensor& pixel_values,
                                                          int64_t num_layers) {
  const torch::Tensor embeddings =
      vision_model->pre_layrnorm(vision_model->embeddings(pixel_values));
  return vision_model->encoder(embeddings, Mask{}, num_layers);
}

VisionOutput VisionModelImpl::forward(const torch::Tensor& pixel_values) {
  VisionOutput out;
  out.hidden_states = hidden_states(pixel_values, config_.num_hidden_layers);
  out.last_hidden_state = out.hidden_states.back();
  out.pooler_output = vision_model->post_layernorm(out.last_hidden_state.select(1, 0));
  if (has_projection()) out.image_embeds = visual_projection(out.pooler_output);
  return out;
}

}  // namespace reasonbrain::models::clip
