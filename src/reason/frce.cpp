#include "reason/frce.h"

#include <cmath>

#include "core/str.h"
#include "models/register_at.h"
#include "reasonbrain/error.h"

namespace reasonbrain::reason {
namespace {

constexpr double kEps = 1e-5;

torch::Tensor append_row(const torch::Tensor& tokens,  // [B, M, d]
                         const torch::Tensor& row) {   // [d]
  return at::cat({tokens, row.expand({tokens.size(0), 1, row.size(0)})}, 1);
}

torch::Tensor run(std::vector<TransformerLayer>& layers, torch::Tensor x,
                  const torch::Tensor& keep) {
  for (auto& layer : layers) x = layer(x, keep);
  return x;
}

torch::Tensor append_true(const torch::Tensor& keep) {  // bool [B, M] -> [B, M + 1]
  return at::cat({keep, at::ones({keep.size(0), 1}, keep.options())}, 1);
}

}  // namespace

torch::Tensor grid_positions(int64_t side, int64_t width, const torch::TensorOptions& options) {
  const auto wide = options.dtype(torch::kFloat32);
  const int64_t quarter = width / 4;
  const torch::Tensor frequency =
      at::exp(at::arange(quarter, wide) * (-std::log(10000.0) / static_cast<double>(quarter)));
  const torch::Tensor angle = at::arange(side, wide).unsqueeze(1) * frequency;  // [side, d/4]
  const torch::Tensor axis = at::cat({angle.sin(), angle.cos()}, 1);            // [side, d/2]
  const torch::Tensor rows = axis.unsqueeze(1).expand({side, side, 2 * quarter});
  const torch::Tensor columns = axis.unsqueeze(0).expand({side, side, 2 * quarter});
  return at::cat({rows, columns}, 2).reshape({side * side, width}).to(options);
}

FrceImpl::FrceImpl(const ReasonOptions& options, int64_t vision_width, int64_t text_width,
                   const nn::Build& build)
    : options_(options) {
  const int64_t d = options.width;
  const int64_t heads = options.num_heads;
  const auto add_layers = [&](const std::string& prefix, int64_t count,
                              std::vector<TransformerLayer>& layers) {
    for (int64_t i = 0; i < count; ++i) {
      layers.push_back(models::register_at(*this, reasonbrain::str(prefix, i),
                                           TransformerLayer(d, heads, build)));
    }
  };
  for (size_t i = 0; i < options.frce.layers.size(); ++i) {
    scale_proj_.push_back(models::register_at(*this, reasonbrain::str("scale_proj.", i),
                                              nn::Linear(vision_width, d, /*bias=*/true, build)));
  }
  scale_embedding_ =
      parameter("scale_embedding", {static_cast<int64_t>(options.frce.layers.size()), d},
                build.tensor, build.embedding);
  if (options.frce.patch) {
    add_layers("patch_layers.", options.frce.patch_layers, patch_layers_);
    patch_norm_ = register_module("patch_norm", nn::LayerNorm(d, kEps, build));
  }
  if (options.frce.region) {
    const bool tower = options.frce.region_input == RegionInput::kTower;
    region_proj_ = register_module("region_proj",
                                   nn::Linear(tower ? vision_width : d, d, /*bias=*/true, build));
    geometry_proj_ =
        register_module("geometry_proj", nn::Linear(kNumGeometry, d, /*bias=*/true, build));
    null_region_ = parameter("null_region", {d}, build.tensor, build.embedding);
    add_layers("region_layers.", options.frce.region_layers, region_layers_);
    region_norm_ = register_module("region_norm", nn::LayerNorm(d, kEps, build));
  }
  object_proj_ = register_module("object_proj", nn::Linear(text_width, d, /*bias=*/true, build));
  null_object_ = parameter("null_object", {d}, build.tensor, build.embedding);
  if (options.idc.enabled) {
    id_cross_ = register_module("id_cross", CrossAttention(d, heads, build));
    id_ff_ = register_module("id_ff", FeedForward(d, build));
    id_norm_ = register_module("id_norm", nn::LayerNorm(d, kEps, build));
  }
}

torch::Tensor FrceImpl::multi_scale(const std::vector<torch::Tensor>& scales) {
  torch::Tensor sum;
  for (size_t i = 0; i < scales.size(); ++i) {
    const torch::Tensor one = scale_proj_[i](scales[i]) + scale_embedding_[static_cast<int64_t>(i)];
    sum = sum.defined() ? sum + one : one;
  }
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(sum.size(1)))));
  return sum + grid_positions(side, sum.size(2), sum.options());
}

torch::Tensor FrceImpl::region_features(const torch::Tensor& features, const Inputs& inputs) const {
  if (options_.frce.region_input == RegionInput::kFeatures) return features;
  torch::Tensor sum = inputs.scales[0];
  for (size_t i = 1; i < inputs.scales.size(); ++i) sum = sum + inputs.scales[i];
  return sum / static_cast<double>(inputs.scales.size());
}

torch::Tensor FrceImpl::region_tokens(const torch::Tensor& features, const Inputs& inputs,
                                      const torch::Tensor& keep) {
  const torch::Tensor weights = inputs.region_weights.to(features.scalar_type());  // [B, K, N]
  const torch::Tensor pooled =
      at::matmul(weights, features) / weights.sum(-1, true).clamp_min(1e-6);
  const torch::Tensor tokens =
      region_proj_(pooled) + geometry_proj_(inputs.region_geometry.to(features.scalar_type()));
  return region_norm_(run(region_layers_, append_row(tokens, null_region_), keep));
}

Cues FrceImpl::forward(const Inputs& inputs) {
  Cues cues;
  cues.features = multi_scale(inputs.scales);
  std::vector<torch::Tensor> parts, keeps;
  if (options_.frce.patch) {
    parts.push_back(patch_norm_(run(patch_layers_, cues.features, torch::Tensor())));
    keeps.push_back(
        at::ones({parts.back().size(0), parts.back().size(1)}, inputs.region_mask.options()));
  }
  if (options_.frce.region) {
    keeps.push_back(append_true(inputs.region_mask));
    cues.regions = region_tokens(region_features(cues.features, inputs), inputs, keeps.back());
    parts.push_back(cues.regions);
  }
  if (!parts.empty()) {
    cues.visual = at::cat(parts, 1);
    cues.visual_keep = at::cat(keeps, 1);
  }
  cues.objects = append_row(object_proj_(inputs.objects), null_object_);
  cues.objects_keep = append_true(inputs.object_mask);
  if (options_.idc.enabled && cues.visual.defined()) {
    if (options_.idc.query == IdQuery::kObject) {
      cues.objects = id_norm_(id_ff_(id_cross_(cues.objects, cues.visual, cues.visual_keep)));
    } else {
      cues.objects = id_norm_(id_ff_(id_cross_(cues.visual, cues.objects, cues.objects_keep)));
      cues.objects_keep = cues.visual_keep;
    }
  }
  return cues;
}

}  // namespace reasonbrain::reason
