#include "cli/libraries.h"

#include <link.h>
#include <torch/headeronly/version.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/str.h"

namespace reasonbrain::cli {
namespace fs = std::filesystem;

std::string loaded_library(const std::string& stem) {
  struct Search {
    const std::string& stem;
    std::string found;
  } search{stem, "not loaded"};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        const fs::path path = info->dlpi_name;
        if (!starts_with(path.filename().string(), wanted.stem + ".so")) return 0;
        std::error_code failure;
        wanted.found = fs::canonical(path, failure).filename().string();
        return 1;
      },
      &search);
  return search.found;
}

std::vector<std::pair<std::string, std::string>> library_versions() {
  return {{"libtorch", TORCH_VERSION},
          {"opencv", loaded_library("libopencv_core")},
          {"sentencepiece", loaded_library("libsentencepiece")},
          {"icu", loaded_library("libicuuc")},
          {"yaml-cpp", loaded_library("libyaml-cpp")},
          {"spdlog", loaded_library("libspdlog")},
          {"nlohmann-json", str(NLOHMANN_JSON_VERSION_MAJOR, ".", NLOHMANN_JSON_VERSION_MINOR, ".",
                                NLOHMANN_JSON_VERSION_PATCH)},
          {"libstdc++", loaded_library("libstdc++")},
          {"compiler", __VERSION__}};
}

}  // namespace reasonbrain::cli
