#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <torch/headeronly/version.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/libraries.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "cli/version.h"
#include "core/placement.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;
using Facts = std::vector<std::pair<std::string, std::string>>;

// Calls a C function `status f(int*)` of a library that may not be there.
std::string version_by_pointer(const char* library, const char* function, int thousand,
                               int hundred) {
  void* handle = dlopen(library, RTLD_LAZY);
  if (handle == nullptr) return "not found";
  const auto get = reinterpret_cast<int (*)(int*)>(dlsym(handle, function));
  int version = 0;
  if (get == nullptr || get(&version) != 0) return "found, but does not answer";
  return str(version / thousand, ".", version % thousand / hundred,
             version % hundred == 0 ? "" : ".",
             version % hundred == 0 ? "" : std::to_string(version % hundred));
}

std::string cudnn_version() {
  void* handle = dlopen("libcudnn.so.9", RTLD_LAZY);
  if (handle == nullptr) return "not found";
  const auto get = reinterpret_cast<size_t (*)()>(dlsym(handle, "cudnnGetVersion"));
  if (get == nullptr) return "found, but does not answer";
  const size_t version = get();
  return str(version / 10000, ".", version % 10000 / 100, ".", version % 100);
}

std::string cuda_state() {
  try {
    parse_device("cuda");
    return str(static_cast<int>(at::detail::getCUDAHooks().deviceCount()), " device(s)");
  } catch (const Error& error) {
    return error.what();
  }
}

std::string model_state(const fs::path& folder) {
  if (!fs::exists(folder / "model_index.json"))
    return folder.string() + ": not there; train one with: reasonbrain train --config mini";
  return folder.string();
}

Facts examine() {
  const fs::path home = home_folder();
  return {
      {"reasonbrain", kVersion},
      {"commit", git_id().empty() ? "unknown" : git_id() + (git_dirty() ? " with changes" : "")},
      {"LibTorch", TORCH_VERSION},
      {"CPU capability", at::get_cpu_capability()},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"LibTorch threads", std::to_string(at::get_num_threads())},
      {"CUDA", cuda_state()},
      {"CUDA runtime", version_by_pointer("libcudart.so.13", "cudaRuntimeGetVersion", 1000, 10)},
      {"cuDNN", cudnn_version()},
      {"NCCL", version_by_pointer("libnccl.so.2", "ncclGetVersion", 10000, 100)},
      {"OpenCV", loaded_library("libopencv_core")},
      {"SentencePiece", loaded_library("libsentencepiece")},
      {"home",
       home.empty() ? "no configs/ found; set REASONBRAIN_HOME to the source tree" : home.string()},
      {"mini model", home.empty() ? "unknown" : model_state(home / "models" / "mini")}};
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("doctor", "Devices, libraries and models: what is there, what is missing");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print one JSON object");
  command->callback([json, &action] {
    action = [json] {
      const Facts facts = examine();
      if (*json) {
        nlohmann::json object = nlohmann::json::object();
        for (const auto& [name, value] : facts) object[name] = value;
        print_json(object);
        return;
      }
      for (const auto& [name, value] : facts) std::cout << name << ": " << value << '\n';
    };
  });
}

}  // namespace reasonbrain::cli
