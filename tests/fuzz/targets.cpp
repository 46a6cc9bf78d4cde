#include "fuzz/targets.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/image_header.h"
#include "io/json.h"
#include "io/safetensors_format.h"
#include "io/torch_pickle.h"
#include "reasonbrain/error.h"
#include "text/json_tokenizer.h"
#ifndef RB_WITHOUT_YAML  // emplace_back of an aggregate, which clang before 16 cannot compile
#include "config/yaml.h"
#endif

namespace reasonbrain::fuzz {
namespace {
namespace fs = std::filesystem;

// What every tensor of a weight file must keep to.
void require(bool condition) {
  if (!condition) std::abort();
}

void safetensors(std::string_view bytes) {
  const auto header = io::parse_safetensors(bytes, "input");
  for (const io::TensorEntry& tensor : header.tensors) {
    require(tensor.begin <= tensor.end && header.data_start + tensor.end <= bytes.size());
  }
}

void torch_archive(std::string_view bytes) {
  for (const auto& tensor : io::parse_torch_archive(bytes, "input").tensors) {
    require(tensor.begin <= tensor.end && tensor.end <= bytes.size());
    require(static_cast<uint64_t>(tensor.extent()) <=
            (tensor.end - tensor.begin) / static_cast<uint64_t>(io::dtype_bytes(tensor.dtype)));
  }
}

void pickle(std::string_view bytes) {
  for (const auto& tensor : io::parse_torch_pickle(bytes, "input")) {
    require(tensor.numel() == 0 || tensor.extent() <= tensor.storage_numel);
  }
}

void json(std::string_view bytes) {
  io::parse_json(bytes, "input").dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void yaml([[maybe_unused]] std::string_view bytes) {
#ifndef RB_WITHOUT_YAML
  config::parse_yaml(std::string(bytes), "input");
#endif
}

void image(std::string_view bytes) {
  const io::ImageHeader header = io::read_image_header(bytes, "input");
  require(header.width > 0 && header.height > 0);
}

// A folder of this process with the bytes as its tokenizer.json.
void tokenizer(std::string_view bytes) {
  static const fs::path folder = [] {
    const fs::path path = fs::temp_directory_path() / ("rb-fuzz-" + std::to_string(::getpid()));
    fs::create_directories(path);
    return path;
  }();
  std::ofstream(folder / "tokenizer.json", std::ios::binary) << bytes;
  const text::JsonTokenizer tokenizer(folder);
  for (const char* sentence :
       {"Hello world, 12 \xc3\xa9t\xc3\xa9!", "", " \n<s> \xf0\x9f\x99\x82"}) {
    const auto ids = tokenizer.encode(sentence, /*add_special=*/true);
    tokenizer.decode(ids, /*skip_special=*/false);
  }
}

std::function<void(std::string_view)> guarded(void (*run)(std::string_view)) {
  return [run](std::string_view bytes) {
    try {
      run(bytes);
    } catch (const Error&) {  // refused, with a message
    }
  };
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> kTargets = {{"safetensors", guarded(safetensors)},
                                               {"torch_archive", guarded(torch_archive)},
                                               {"pickle", guarded(pickle)},
                                               {"json", guarded(json)},
                                               {"yaml", guarded(yaml)},
                                               {"image", guarded(image)},
                                               {"tokenizer", guarded(tokenizer)}};
  return kTargets;
}

}  // namespace reasonbrain::fuzz
