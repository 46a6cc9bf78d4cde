// The base of every module of ours: allocates parameters on a given device and dtype, and knows how
// each is initialised, but does not initialise. init_weights() is a separate pass, so that a model
// can be built on the meta device or loaded straight from a file.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace reasonbrain::nn {

struct Init {
  enum class Kind { kNormal, kUniform, kConstant, kFanIn };
  Kind kind = Kind::kFanIn;
  double value = 0;  // standard deviation, half width or constant; unused by kFanIn

  static Init normal(double std) { return {Kind::kNormal, std}; }
  static Init uniform(double bound) { return {Kind::kUniform, bound}; }
  static Init constant(double value) { return {Kind::kConstant, value}; }
  static Init zeros() { return constant(0); }
  static Init ones() { return constant(1); }
  // PyTorch's default for linear and convolution: U(-b, b), b = 1/sqrt(fan_in), weight and bias
  // alike.
  static Init fan_in() { return {Kind::kFanIn, 0}; }
};

// How to build modules: where and in which dtype, and how their weights start.
struct Build {
  torch::TensorOptions tensor = torch::TensorOptions(torch::kFloat32);
  Init weight =
      Init::fan_in();  // of linear and convolution weights; biases follow (zero unless kFanIn)
  Init embedding = Init::normal(1.0);

  // Transformers: every weight and embedding from N(0, std), biases zero.
  Build normal(double std) const { return {tensor, Init::normal(std), Init::normal(std)}; }
  Build zero() const { return {tensor, Init::zeros(), embedding}; }
};

class Module : public torch::nn::Module {
 public:
  // Allocates and registers a trainable parameter.
  torch::Tensor& parameter(const std::string& name, torch::IntArrayRef sizes,
                           const torch::TensorOptions& options, const Init& init);

 protected:
  void set_fan_in(const std::string& name, double fan_in) { specs_.at(name).fan_in = fan_in; }
  void unregister_parameter(const std::string& name) {
    parameters_.erase(name);
    specs_.erase(name);
  }

 private:
  friend void init_weights(torch::nn::Module& module, uint64_t seed, const std::string& prefix,
                           const std::vector<std::string>& skip);
  struct Spec {
    Init init;
    double fan_in = 1;
  };
  std::map<std::string, Spec> specs_;
};

// Fills every parameter of `module` from a stream keyed by (seed, prefix + its name): two models
// that share parameter names start from equal values for them, whatever else they hold. Children
// named in `skip` (loaded from a file) are left alone, and so is everything on the meta device.
void init_weights(torch::nn::Module& module, uint64_t seed, const std::string& prefix = "",
                  const std::vector<std::string>& skip = {});

// Number of elements of all parameters, and of those that require a gradient.
struct ParameterCount {
  int64_t total = 0;
  int64_t trainable = 0;
};
ParameterCount count_parameters(const torch::nn::Module& module);

void set_requires_grad(torch::nn::Module& module, bool value);

}  // namespace reasonbrain::nn
