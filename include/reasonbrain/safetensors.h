// Weights in safetensors files or in zip pickles of torch.save: single, sharded with an index, or a
// folder that holds either. Damaged, hostile or missing files are Error(kData); a file that cannot
// be written is Error(kRuntime).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace reasonbrain::io {

using TensorMap = std::map<std::string, torch::Tensor>;
using TextMetadata = std::map<std::string, std::string>;

// One file, mapped into memory; nothing is read before a tensor is used. A name that the file does
// not hold is Error(kData), but for contains().
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const;
  std::vector<std::string> keys() const;  // sorted
  bool contains(const std::string& name) const;
  std::vector<int64_t> shape(const std::string& name) const;
  torch::ScalarType dtype(const std::string& name) const;
  const TextMetadata& metadata() const;

  // A CPU tensor that views the mapping and keeps it alive (where the file does not align it, a
  // copy). Writing to it changes private pages only, never the file.
  torch::Tensor tensor(const std::string& name) const;
  void release(const std::string& name) const;  // see TensorStore::release

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

TensorMap load_safetensors(const std::filesystem::path& path);  // every tensor, as views

class TensorFile;  // one weight file of either format

// The weights of a model: a weight file (.safetensors, or .bin .pt .pth .ckpt as torch.save writes
// them), an .index.json file, or a folder with {model,diffusion_pytorch_model,adapter_model}
// .safetensors[.index.json],
// {pytorch_model,diffusion_pytorch_model,adapter_model}.bin[.index.json], one index of a variant
// (X.safetensors.index.fp16.json), one .safetensors file of any name, or exactly one weight file.
// Nothing in a pickle is executed. A name that is not there is Error(kData).
class TensorStore {
 public:
  explicit TensorStore(const std::filesystem::path& file_or_folder);

  const std::filesystem::path& path() const { return path_; }  // as given
  std::vector<std::string> keys() const;                       // sorted
  bool contains(const std::string& name) const { return where_.count(name) != 0; }
  std::vector<int64_t> shape(const std::string& name) const;
  torch::ScalarType dtype(const std::string& name) const;
  torch::Tensor tensor(const std::string& name) const;  // a view, see SafetensorsFile::tensor
  TensorMap tensors() const;                            // all, as views
  const TextMetadata& metadata() const;                 // of the first file
  std::vector<std::filesystem::path> files() const;     // the weight files, sorted

  // Gives back the memory that reading the tensor took. Views of it stay valid; what was written
  // through them is lost.
  void release(const std::string& name) const;

 private:
  const TensorFile& file_of(const std::string& name) const;

  std::filesystem::path path_;
  std::vector<std::shared_ptr<const TensorFile>> files_;
  std::map<std::string, size_t> where_;  // tensor -> index in files_
};

// Appears complete or not at all. Tensors may be on any device and strided; metadata gets
// format=pt. Bytes depend only on the arguments. Error(kRuntime) also for a dtype that safetensors
// does not have, such as complex numbers.
void save_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                      TextMetadata metadata = {});

// FOLDER/STEM.safetensors, or numbered shards of at most max_shard_bytes of tensor data (a larger
// tensor gets a shard of its own) and FOLDER/STEM.safetensors.index.json.
void save_sharded_safetensors(const std::filesystem::path& folder, const std::string& stem,
                              const TensorMap& tensors, int64_t max_shard_bytes,
                              TextMetadata metadata = {});

// Error(kData) naming `origin` and the tensor when a value is NaN or infinite. Whole numbers pass.
void require_finite(const torch::Tensor& tensor, const std::string& name,
                    const std::string& origin);

}  // namespace reasonbrain::io
