#include "core/placement.h"

#include <dlfcn.h>

#include <ATen/detail/CUDAHooksInterface.h>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain {
namespace {

// Loads libtorch_cuda.so, which registers the CUDA kernels; "" or what the loader says.
std::string load_cuda() {
  static const std::string problem = [] {
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return std::string();
    return std::string(dlerror());
  }();
  return problem;
}

bool has_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver != nullptr) dlclose(driver);
  return driver != nullptr;
}

}  // namespace

torch::Device parse_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (name == "auto") {
    if (has_driver() && load_cuda().empty() && at::detail::getCUDAHooks().deviceCount() > 0) {
      return torch::Device(torch::kCUDA, 0);
    }
    return torch::kCPU;
  }
  int index = 0;
  if (starts_with(name, "cuda:")) {
    const std::string digits = name.substr(5);
    if (digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
      throw usage_error(str("device '", name, "': expected cuda:INDEX, such as cuda:0"));
    }
    index = std::stoi(digits);
  } else if (name != "cuda") {
    throw usage_error(str("unknown device '", name, "'; expected auto, cpu, cuda or cuda:INDEX"));
  }
  if (!has_driver()) {
    throw runtime_error(str("device ", name,
                            ": no NVIDIA driver (libcuda.so.1) on this machine; use --device cpu"));
  }
  if (const std::string problem = load_cuda(); !problem.empty()) {
    throw runtime_error(str("device ", name, ": the CUDA half of LibTorch cannot be loaded (",
                            problem, "); run scripts/setup --cuda"));
  }
  const auto count = static_cast<int>(at::detail::getCUDAHooks().deviceCount());
  if (index >= count)
    throw runtime_error(str("device ", name, ": this machine has ", count, " CUDA devices"));
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

torch::ScalarType parse_dtype(const std::string& name, torch::Device device) {
  if (name == "auto") return device.is_cuda() ? torch::kBFloat16 : torch::kFloat32;
  if (name == "float32") return torch::kFloat32;
  if (name == "bfloat16") return torch::kBFloat16;
  if (name == "float16") return torch::kFloat16;
  throw usage_error(str("unknown dtype '", name, "'; expected auto, float32, bfloat16 or float16"));
}

std::string dtype_name(torch::ScalarType dtype) {
  switch (dtype) {
    case torch::kFloat32:
      return "float32";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kFloat16:
      return "float16";
    default:
      return c10::toString(dtype);
  }
}

}  // namespace reasonbrain
