#include <ATen/ATen.h>

#include <algorithm>

#include "core/str.h"
#include "io/mapped_file.h"
#include "io/quote.h"
#include "io/safetensors_tensor.h"
#include "io/torch_pickle.h"
#include "io/weight_file_tensor.h"
#include "io/zip_format.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr size_t kMaxNameBytes = 1000;  // readers of keys may recurse over a name

class SafetensorsAdapter : public TensorFile {
 public:
  explicit SafetensorsAdapter(const std::filesystem::path& path) : file_(path) {}

  const std::filesystem::path& path() const override { return file_.path(); }
  std::vector<std::string> keys() const override { return file_.keys(); }
  bool contains(const std::string& name) const override { return file_.contains(name); }
  std::vector<int64_t> shape(const std::string& name) const override { return file_.shape(name); }
  torch::ScalarType dtype(const std::string& name) const override { return file_.dtype(name); }
  torch::Tensor tensor(const std::string& name) const override { return file_.tensor(name); }
  void release(const std::string& name) const override { file_.release(name); }
  const TextMetadata& metadata() const override { return file_.metadata(); }

 private:
  SafetensorsFile file_;
};

class TorchPickleFile : public TensorFile {
 public:
  TorchPickleFile(const std::filesystem::path& path, std::shared_ptr<MappedFile> mapping)
      : path_(path),
        mapping_(std::move(mapping)),
        archive_(parse_torch_archive(mapping_->view(), path.string())) {}

  const std::filesystem::path& path() const override { return path_; }
  std::vector<std::string> keys() const override {
    std::vector<std::string> names;
    for (const auto& tensor : archive_.tensors) names.push_back(tensor.name);
    return names;
  }
  bool contains(const std::string& name) const override { return find(name) != nullptr; }
  std::vector<int64_t> shape(const std::string& name) const override { return at(name).shape; }
  torch::ScalarType dtype(const std::string& name) const override {
    return to_scalar_type(at(name).dtype);
  }

  torch::Tensor tensor(const std::string& name) const override {
    const TorchArchive::Tensor& entry = at(name);
    const auto options = torch::TensorOptions().dtype(to_scalar_type(entry.dtype));
    if (entry.numel() == 0) return torch::empty(entry.shape, options);
    const auto element = static_cast<uint64_t>(dtype_bytes(entry.dtype));
    char* data = mapping_->data() + entry.begin;
    if (reinterpret_cast<uintptr_t>(data) % element == 0) {
      return torch::from_blob(
          data + static_cast<uint64_t>(entry.offset) * element, entry.shape, entry.strides,
          [mapping = mapping_](void*) {}, options);
    }
    torch::Tensor storage = torch::empty({entry.extent()}, options);
    std::copy_n(data, static_cast<uint64_t>(entry.extent()) * element,
                static_cast<char*>(storage.mutable_data_ptr()));
    return storage.as_strided(entry.shape, entry.strides, entry.offset);
  }

  void release(const std::string& name) const override {
    const TorchArchive::Tensor& entry = at(name);
    mapping_->release(entry.begin, entry.end - entry.begin);
  }
  const TextMetadata& metadata() const override { return metadata_; }

 private:
  const TorchArchive::Tensor* find(const std::string& name) const {
    const auto found = std::lower_bound(
        archive_.tensors.begin(), archive_.tensors.end(), name,
        [](const auto& entry, const std::string& key) { return entry.name < key; });
    return found != archive_.tensors.end() && found->name == name ? &*found : nullptr;
  }

  const TorchArchive::Tensor& at(const std::string& name) const {
    if (const auto* entry = find(name)) return *entry;
    throw data_error(str(path_.string(), " has no tensor '", name, "'"));
  }

  std::filesystem::path path_;
  std::shared_ptr<MappedFile> mapping_;
  TorchArchive archive_;
  TextMetadata metadata_;  // the format has none
};

std::shared_ptr<const TensorFile> open_by_content(const std::filesystem::path& path) {
  auto mapping = std::make_shared<MappedFile>(path);
  if (is_zip(mapping->view()) || is_legacy_torch(mapping->view())) {
    return std::make_shared<TorchPickleFile>(path, std::move(mapping));
  }
  const std::string_view bytes = mapping->view();
  if (path.extension() != ".safetensors" && (bytes.size() < 9 || bytes[8] != '{')) {
    throw data_error(str(path.string(), " is neither a safetensors file nor one of torch.save; it ",
                         "may have been cut short, get it again"));
  }
  return std::make_shared<SafetensorsAdapter>(path);
}

}  // namespace

std::shared_ptr<const TensorFile> open_tensor_file(const std::filesystem::path& path) {
  auto file = open_by_content(path);
  for (const std::string& name : file->keys()) {
    if (name.size() <= kMaxNameBytes) continue;
    throw data_error(str(path.string(), ": the name of the tensor '", shortened(name), "' has ",
                         name.size(), " bytes; expected at most ", kMaxNameBytes));
  }
  return file;
}

}  // namespace reasonbrain::io
