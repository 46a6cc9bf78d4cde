#include "models/component.h"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "core/str.h"
#include "models/clip/runner.h"
#include "models/flux/runner.h"
#include "models/llama/runner.h"
#include "models/llava/runner.h"
#include "models/qformer/runner.h"
#include "models/sam/runner.h"
#include "models/t5/runner.h"
#include "models/unet/runner.h"
#include "models/vae/runner.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::models {
namespace {

constexpr const char* kCotangent = "cotangent.";

const Argument* find_argument(const Component& component, const std::string& name) {
  const auto found = std::find_if(component.arguments.begin(), component.arguments.end(),
                                  [&](const Argument& argument) { return argument.name == name; });
  return found == component.arguments.end() ? nullptr : &*found;
}

Error unknown_argument(const Component& component, const std::string& name) {
  std::vector<std::string> names;
  for (const Argument& argument : component.arguments) names.push_back(argument.name);
  return data_error(reasonbrain::str("input '", name, "' is no argument of ", component.name,
                                     "; it takes ", join(names, ", "), " and ", kCotangent,
                                     "OUTPUT"));
}

torch::Tensor checked(const Argument& argument, const torch::Tensor& tensor, torch::Device device,
                      torch::ScalarType dtype) {
  const bool floating = tensor.is_floating_point();
  const char* expected = argument.kind == Argument::Kind::kFeature ? "floating point" : "integer";
  if (argument.kind != Argument::Kind::kNumber &&
      floating != (argument.kind == Argument::Kind::kFeature)) {
    throw data_error(reasonbrain::str("input '", argument.name, "' is ", tensor.scalar_type(),
                                      "; expected ", expected, " values"));
  }
  if (std::find(argument.ranks.begin(), argument.ranks.end(), tensor.dim()) ==
      argument.ranks.end()) {
    std::vector<std::string> ranks;
    for (const int64_t rank : argument.ranks) ranks.push_back(reasonbrain::str(rank));
    throw data_error(reasonbrain::str("input '", argument.name, "' has the shape ", tensor.sizes(),
                                      "; expected ", join(ranks, " or "), " dimensions"));
  }
  if (tensor.numel() == 0) {
    throw data_error(
        reasonbrain::str("input '", argument.name, "' is empty: shape ", tensor.sizes()));
  }
  if (!floating) return tensor.to(device, torch::kInt64);
  io::require_finite(tensor, argument.name, "the input");
  const bool number = argument.kind == Argument::Kind::kNumber;
  return tensor.to(device, number ? torch::kFloat32 : dtype);
}

struct Request {
  Tensors arguments;
  Tensors cotangents;  // by output name
};

Request parse_request(const Component& component, const Tensors& inputs, torch::Device device,
                      torch::ScalarType dtype) {
  Request request;
  for (const auto& [name, tensor] : inputs) {
    if (starts_with(name, kCotangent)) {
      if (!tensor.is_floating_point()) {
        throw data_error(reasonbrain::str("input '", name, "' is ", tensor.scalar_type(),
                                          "; expected floating point values"));
      }
      io::require_finite(tensor, name, "the input");
      request.cotangents[name.substr(std::string(kCotangent).size())] = tensor.to(device);
    } else if (const Argument* argument = find_argument(component, name)) {
      request.arguments[name] = checked(*argument, tensor, device, dtype);
    } else {
      throw unknown_argument(component, name);
    }
  }
  for (const Argument& argument : component.arguments) {
    if (argument.required && !request.arguments.contains(argument.name)) {
      throw data_error(reasonbrain::str(component.name, " needs the input '", argument.name, "'"));
    }
  }
  return request;
}

torch::Tensor weighted_sum(const Tensors& outputs, const Tensors& cotangents) {
  torch::Tensor total;
  for (const auto& [name, cotangent] : cotangents) {
    const auto found = outputs.find(name);
    if (found == outputs.end()) {
      std::vector<std::string> names;
      for (const auto& output : outputs) names.push_back(output.first);
      throw data_error(reasonbrain::str("'", kCotangent, name,
                                        "' belongs to no output; outputs are ", join(names, ", ")));
    }
    const torch::Tensor& output = found->second;
    if (output.sizes() != cotangent.sizes()) {
      throw data_error(reasonbrain::str("'", kCotangent, name, "' has the shape ",
                                        cotangent.sizes(), "; the output has ", output.sizes()));
    }
    const torch::Tensor term = (output * cotangent.to(output.scalar_type())).sum();
    total = total.defined() ? total + term : term;
  }
  return total;
}

// A result that is made of gradients: those with respect to `leaves`, put together.
struct Wanted {
  std::string name;
  FileParameter parameter;
};

// Marks what the gradient is wanted for.
std::vector<Wanted> wanted_gradients(const Component& component, ComponentRunner& runner,
                                     Tensors& arguments,
                                     const std::vector<std::string>& grad_params) {
  std::vector<Wanted> wanted;
  FileParameters parameters = runner.parameters();
  for (auto& entry : parameters) {
    for (torch::Tensor& part : entry.second.parts) part.set_requires_grad(false);
  }
  for (const std::string& key : grad_params) {
    const auto found = parameters.find(key);
    if (found == parameters.end()) {
      std::vector<std::string> keys;
      for (const auto& entry : parameters) keys.push_back(entry.first);
      const std::string near = nearest_match(key, keys);
      throw data_error(
          reasonbrain::str("grad_params: '", key, "' is not in the weight files",
                           near.empty() ? "" : reasonbrain::str("; nearest is '", near, "'")));
    }
    for (torch::Tensor& part : found->second.parts) part.set_requires_grad(true);
    wanted.push_back({"grad.param." + key, found->second});
  }
  for (auto& [name, tensor] : arguments) {
    if (find_argument(component, name)->kind != Argument::Kind::kFeature) continue;
    tensor = tensor.detach().clone().set_requires_grad(true);
    wanted.push_back({"grad." + name, tensor});
  }
  return wanted;
}

void add_gradients(const std::vector<Wanted>& wanted, const torch::Tensor& total,
                   Tensors& results) {
  std::vector<torch::Tensor> variables;
  for (const Wanted& item : wanted) {
    variables.insert(variables.end(), item.parameter.parts.begin(), item.parameter.parts.end());
  }
  std::vector<torch::Tensor> gradients(variables.size());
  if (total.requires_grad()) {
    gradients =
        torch::autograd::grad({total}, variables, /*grad_outputs=*/{}, /*retain_graph=*/false,
                              /*create_graph=*/false, /*allow_unused=*/true);
  }
  size_t i = 0;
  for (const Wanted& item : wanted) {
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& part : item.parameter.parts) {
      parts.push_back(gradients[i].defined() ? gradients[i] : at::zeros_like(part));
      ++i;
    }
    results[item.name] = item.parameter.assemble(parts);
  }
}

}  // namespace

const std::vector<Component>& components() {
  // clang-format off
  static const std::vector<Component> kComponents = {
      clip::vision_component(),
      clip::text_component(),
      flux::flux_component(),
      llama::llama_component(),
      llava::llava_component(),
      qformer::qformer_component(),
      sam::sam_component(),
      t5::encoder_component(),
      unet::unet_component(),
      vae::encode_component(),
      vae::decode_component(),
  };
  // clang-format on
  return kComponents;
}

const Component* find_component(const std::string& name) {
  for (const Component& component : components()) {
    if (component.name == name) return &component;
  }
  return nullptr;
}

torch::Tensor optional_input(const Tensors& inputs, const std::string& name) {
  const auto found = inputs.find(name);
  return found == inputs.end() ? torch::Tensor() : found->second;
}

void expect_sizes(const Tensors& inputs, const std::string& name,
                  const std::vector<int64_t>& sizes) {
  const torch::Tensor tensor = optional_input(inputs, name);
  if (!tensor.defined()) return;
  bool fits = tensor.dim() == static_cast<int64_t>(sizes.size());
  std::vector<std::string> expected;
  for (size_t i = 0; i < sizes.size(); ++i) {
    fits = fits && (sizes[i] < 0 || tensor.size(static_cast<int64_t>(i)) == sizes[i]);
    expected.push_back(sizes[i] < 0 ? "*" : reasonbrain::str(sizes[i]));
  }
  if (!fits) {
    throw data_error(reasonbrain::str("input '", name, "' has the shape ", tensor.sizes(),
                                      "; expected [", join(expected, ", "), "]"));
  }
}

void expect_below(const Tensors& inputs, const std::string& name, int64_t limit) {
  const torch::Tensor tensor = optional_input(inputs, name);
  if (!tensor.defined()) return;
  const int64_t low = tensor.min().item<int64_t>(), high = tensor.max().item<int64_t>();
  if (low < 0 || high >= limit) {
    throw data_error(reasonbrain::str("input '", name, "' holds ", low < 0 ? low : high,
                                      "; expected 0 to ", limit - 1));
  }
}

Tensors run_component(const Component& component, const std::filesystem::path& folder,
                      const Tensors& inputs, const std::vector<std::string>& grad_params,
                      torch::Device device, torch::ScalarType dtype) {
  Request request = parse_request(component, inputs, device, dtype);
  const std::unique_ptr<ComponentRunner> runner = component.load(folder, device, dtype);
  if (request.cotangents.empty()) {
    torch::NoGradGuard no_grad;
    return runner->run(request.arguments);
  }

  const auto wanted = wanted_gradients(component, *runner, request.arguments, grad_params);
  Tensors results = runner->run(request.arguments);
  const torch::Tensor total = weighted_sum(results, request.cotangents);
  for (auto& entry : results) entry.second = entry.second.detach();
  add_gradients(wanted, total, results);
  return results;
}

}  // namespace reasonbrain::models
