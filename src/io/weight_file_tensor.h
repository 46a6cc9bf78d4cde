// One weight file of any format, mapped into memory.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "reasonbrain/safetensors.h"

namespace reasonbrain::io {

class TensorFile {
 public:
  virtual ~TensorFile() = default;

  virtual const std::filesystem::path& path() const = 0;
  virtual std::vector<std::string> keys() const = 0;  // sorted
  virtual bool contains(const std::string& name) const = 0;
  // Error(kData) when there is no tensor of this name; see SafetensorsFile.
  virtual std::vector<int64_t> shape(const std::string& name) const = 0;
  virtual torch::ScalarType dtype(const std::string& name) const = 0;
  virtual torch::Tensor tensor(const std::string& name) const = 0;
  virtual void release(const std::string& name) const = 0;
  virtual const TextMetadata& metadata() const = 0;
};

// Whether the name ends as weights that TensorStore finds in a folder: .safetensors, .bin, ...
bool is_weight_file(const std::filesystem::path& path);

// Opens a file as what its first bytes say it is. Error(kData) for one of another kind and for a
// tensor whose name is longer than 1000 bytes.
std::shared_ptr<const TensorFile> open_tensor_file(const std::filesystem::path& path);

}  // namespace reasonbrain::io
