// Single components of the model, run on given tensors: what `reasonbrain model run` and the golden
// tests share. A component is one reference class (transformers, diffusers); its runner loads a
// folder in that class's own layout and maps named tensors to named tensors.
//
// To add one: write its runner in the model's folder, declare `Component NAME_component();` in that
// folder's runner.h and add a line to component.cpp.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/key_map.h"

namespace reasonbrain::models {

using Tensors = std::map<std::string, torch::Tensor>;

// One argument of a component, as checked before it runs.
struct Argument {
  enum class Kind {
    kFeature,  // floating point; converted to the run's dtype; receives a gradient
    kIndex,    // integer or bool (ids, masks, positions); converted to int64
    kNumber,  // integer or floating point, handed over as float32 or int64 (timesteps); no gradient
  };
  std::string name;
  Kind kind = Kind::kFeature;
  std::vector<int64_t> ranks;  // accepted numbers of dimensions
  bool required = true;
};

class ComponentRunner {
 public:
  virtual ~ComponentRunner() = default;

  // `inputs` hold only declared arguments, of the declared kind and rank, on the run's device;
  // every required one is there. Sizes that the configuration decides are checked here:
  // Error(kData).
  virtual Tensors run(const Tensors& inputs) = 0;

  // The parameters under the keys of the weight files, as the module's leaf tensors that they are
  // made of (every alias of a tied table is the same tensor).
  virtual FileParameters parameters() = 0;
};

// What runners use on their inputs; all throw Error(kData) naming the argument.
// An absent argument passes the checks.
torch::Tensor optional_input(const Tensors& inputs,
                             const std::string& name);  // undefined when absent
void expect_sizes(const Tensors& inputs, const std::string& name,
                  const std::vector<int64_t>& sizes);  // -1: any
void expect_below(const Tensors& inputs, const std::string& name,
                  int64_t limit);  // 0 <= value < limit

struct Component {
  std::string name;             // "clip-vision"
  std::string reference_class;  // "transformers CLIPVisionModelWithProjection"
  std::vector<Argument> arguments;
  std::function<std::unique_ptr<ComponentRunner>(const std::filesystem::path& folder,
                                                 torch::Device device, torch::ScalarType dtype)>
      load;
};

const std::vector<Component>& components();

// nullptr when no component has this name.
const Component* find_component(const std::string& name);

// Loads the component from `folder` and runs it. `inputs` hold its arguments by name and, where
// gradients are wanted, `cotangent.OUTPUT` of an output's shape. Returns every output by name, and
// with cotangents also `grad.ARGUMENT` for each floating point argument given and `grad.param.KEY`
// for each of `grad_params`: the gradients of sum over OUTPUT of sum(cotangent * output). Throws
// Error(kData) naming an argument that is unknown, missing, of the wrong kind or shape, not finite,
// a cotangent without its output, a parameter that is not in the weight files.
Tensors run_component(const Component& component, const std::filesystem::path& folder,
                      const Tensors& inputs, const std::vector<std::string>& grad_params,
                      torch::Device device, torch::ScalarType dtype);

}  // namespace reasonbrain::models
