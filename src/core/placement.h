// Where a part lives and in which dtypes: the only place that decides it.
#pragma once

#include <torch/types.h>

#include <string>

namespace reasonbrain {

struct Placement {
  torch::Device device = torch::kCPU;
  torch::ScalarType dtype = torch::kFloat32;  // of weights and of computation

  torch::TensorOptions options() const { return torch::TensorOptions(dtype).device(device); }
};

// "auto" (CUDA when there is a GPU and its libraries), "cpu", "cuda", "cuda:1". Loads the CUDA half
// of LibTorch on demand. Throws Error(kUsage) for another word and Error(kRuntime) when CUDA is
// asked for and not there, saying which piece is missing.
torch::Device parse_device(const std::string& name);

// "auto" (bfloat16 on CUDA, float32 on the CPU), "float32", "bfloat16", "float16".
torch::ScalarType parse_dtype(const std::string& name, torch::Device device);
std::string dtype_name(torch::ScalarType dtype);

}  // namespace reasonbrain
