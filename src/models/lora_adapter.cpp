#include "models/lora_adapter.h"

#include "core/str.h"
#include "models/lora.h"
#include "nn/conv.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

// The weights of all layers that an adapter can change.
std::map<std::string, torch::Tensor> layer_weights(torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> weights;
  for (const auto& child : module.named_modules(/*name_prefix=*/"", /*include_self=*/false)) {
    if (const auto linear = std::dynamic_pointer_cast<nn::LinearImpl>(child.value())) {
      weights[child.key()] = linear->weight;
    } else if (const auto conv = std::dynamic_pointer_cast<nn::Conv2dImpl>(child.value())) {
      weights[child.key()] = conv->weight;
    }
  }
  return weights;
}

void require_fit(const LoraLayer& layer, const torch::Tensor& weight) {
  const bool matrices = layer.down.dim() >= 2 && layer.up.dim() >= 2;
  if (matrices && layer.down.size(0) == layer.up.flatten(1).size(1) &&
      layer.up.size(0) == weight.size(0) &&
      layer.down.flatten(1).size(1) == weight.flatten(1).size(1)) {
    return;
  }
  throw data_error(reasonbrain::str("the adapter of ", layer.name, " has the shapes ",
                                    layer.down.sizes(), " and ", layer.up.sizes(),
                                    "; the layer's weight has ", weight.sizes()));
}

}  // namespace

LoraAdapter lora_adapter_of(torch::nn::Module& module) {
  LoraAdapter adapter;
  for (const auto& [name, linear] : linear_children(module)) {
    if (!linear->has_lora()) continue;
    adapter.push_back({name, linear->lora_A.detach(), linear->lora_B.detach(), linear->lora_scale});
  }
  return adapter;
}

void attach_adapters(torch::nn::Module& module, const std::vector<WeightedAdapter>& adapters) {
  torch::NoGradGuard no_grad;
  auto linears = linear_children(module);
  std::map<std::string, std::vector<LoraLayer>> by_layer;
  for (const WeightedAdapter& item : adapters) {
    for (LoraLayer layer : item.adapter) {
      const auto found = linears.find(layer.name);
      if (found == linears.end()) {
        throw data_error(str("the adapter changes ", layer.name,
                             ", which is no linear layer; merge it into the weights instead"));
      }
      if (found->second->has_lora()) {
        throw config_error(str(layer.name, " has an adapter already; merge that first"));
      }
      require_fit(layer, found->second->weight);
      layer.scale *= item.weight;
      by_layer[layer.name].push_back(std::move(layer));
    }
  }
  for (const auto& [name, layers] : by_layer) {
    std::vector<torch::Tensor> down, up;
    for (const LoraLayer& layer : layers) {
      down.push_back(layer.down.flatten(1).to(torch::kFloat32));
      up.push_back(layer.up.flatten(1).to(torch::kFloat32) * (layers.size() > 1 ? layer.scale : 1));
    }
    nn::Linear& linear = linears.at(name);
    const torch::Tensor all = at::cat(down, 0);
    linear->attach_lora(all.size(0), layers.size() > 1 ? 1 : layers[0].scale);
    linear->lora_A.copy_(all);
    linear->lora_B.copy_(at::cat(up, 1));
  }
}

void merge_adapter(torch::nn::Module& module, const LoraAdapter& adapter, double weight) {
  torch::NoGradGuard no_grad;
  const auto weights = layer_weights(module);
  for (const LoraLayer& layer : adapter) {
    const auto found = weights.find(layer.name);
    if (found == weights.end()) {
      throw data_error(str("the adapter changes ", layer.name, ", which this model does not have"));
    }
    torch::Tensor own = found->second;
    require_fit(layer, own);
    const torch::Tensor delta = at::matmul(layer.up.flatten(1).to(own.device(), torch::kFloat32),
                                           layer.down.flatten(1).to(own.device(), torch::kFloat32));
    own.copy_(own.to(torch::kFloat32) + delta.view_as(own) * (layer.scale * weight));
  }
}

}  // namespace reasonbrain::models
