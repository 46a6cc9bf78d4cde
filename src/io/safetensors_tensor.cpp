#include "io/safetensors_tensor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/mapped_file.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

// In the order of Dtype.
constexpr torch::ScalarType kScalarTypes[] = {
    torch::kFloat64, torch::kFloat32, torch::kFloat16,       torch::kBFloat16,
    torch::kInt64,   torch::kInt32,   torch::kInt16,         torch::kInt8,
    torch::kUInt8,   torch::kBool,    torch::kFloat8_e4m3fn, torch::kFloat8_e5m2};

bool is_aligned(const void* data, int num_bytes) {
  return reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(num_bytes) == 0;
}

}  // namespace

torch::ScalarType to_scalar_type(Dtype dtype) {
  return kScalarTypes[static_cast<int>(dtype)];
}

Dtype to_dtype(torch::ScalarType type) {
  for (size_t i = 0; i < std::size(kScalarTypes); ++i) {
    if (kScalarTypes[i] == type) return static_cast<Dtype>(i);
  }
  throw runtime_error(str("safetensors has no dtype for ", c10::toString(type)));
}

struct SafetensorsFile::Impl {
  std::filesystem::path path;
  std::shared_ptr<MappedFile> mapping;
  SafetensorsHeader header;

  explicit Impl(const std::filesystem::path& path)
      : path(path),
        mapping(std::make_shared<MappedFile>(path)),
        header(parse_safetensors(mapping->view(), path.string())) {}

  const TensorEntry* find(const std::string& name) const {
    const auto found = std::lower_bound(
        header.tensors.begin(), header.tensors.end(), name,
        [](const TensorEntry& entry, const std::string& key) { return entry.name < key; });
    return found != header.tensors.end() && found->name == name ? &*found : nullptr;
  }

  const TensorEntry& at(const std::string& name) const {
    if (const TensorEntry* entry = find(name)) return *entry;
    std::vector<std::string> names;
    for (const TensorEntry& entry : header.tensors) names.push_back(entry.name);
    std::string message = str(path.string(), " has no tensor '", name, "'");
    const std::string nearest = nearest_match(name, names);
    throw data_error(nearest.empty() ? message : message + ", nearest '" + nearest + "'");
  }
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : impl_(std::make_shared<const Impl>(path)) {}

const std::filesystem::path& SafetensorsFile::path() const {
  return impl_->path;
}

std::vector<std::string> SafetensorsFile::keys() const {
  std::vector<std::string> names;
  for (const TensorEntry& entry : impl_->header.tensors) names.push_back(entry.name);
  return names;
}

bool SafetensorsFile::contains(const std::string& name) const {
  return impl_->find(name) != nullptr;
}

std::vector<int64_t> SafetensorsFile::shape(const std::string& name) const {
  return impl_->at(name).shape;
}

torch::ScalarType SafetensorsFile::dtype(const std::string& name) const {
  return to_scalar_type(impl_->at(name).dtype);
}

const TextMetadata& SafetensorsFile::metadata() const {
  return impl_->header.metadata;
}

torch::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const TensorEntry& entry = impl_->at(name);
  const auto options = torch::TensorOptions().dtype(to_scalar_type(entry.dtype));
  if (entry.num_bytes() == 0) return torch::empty(entry.shape, options);
  char* data = impl_->mapping->data() + impl_->header.data_start + entry.begin;
  if (!is_aligned(data, dtype_bytes(entry.dtype))) {
    torch::Tensor copy = torch::empty(entry.shape, options);
    std::copy_n(data, entry.num_bytes(), static_cast<char*>(copy.mutable_data_ptr()));
    return copy;
  }
  return torch::from_blob(
      data, entry.shape, [mapping = impl_->mapping](void*) {}, options);
}

void SafetensorsFile::release(const std::string& name) const {
  const TensorEntry& entry = impl_->at(name);
  impl_->mapping->release(impl_->header.data_start + entry.begin, entry.num_bytes());
}

TensorMap load_safetensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  TensorMap tensors;
  for (const std::string& name : file.keys()) tensors.emplace(name, file.tensor(name));
  return tensors;
}

void save_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                      TextMetadata metadata) {
  metadata["format"] = "pt";  // some loaders refuse files without it
  std::vector<TensorEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    entries.push_back({name, to_dtype(tensor.scalar_type()), tensor.sizes().vec()});
  }
  const std::string header = layout_safetensors(entries, metadata);
  AtomicFile file(path);
  file.write(header.data(), header.size());
  for (const TensorEntry& entry : entries) {
    const torch::Tensor tensor = tensors.at(entry.name).detach().cpu().contiguous();
    if (entry.num_bytes() > 0) file.write(tensor.const_data_ptr(), entry.num_bytes());
  }
  file.commit();
}

void require_finite(const torch::Tensor& tensor, const std::string& name,
                    const std::string& origin) {
  if (!tensor.is_floating_point() || tensor.numel() == 0) return;
  const bool narrow = tensor.element_size() == 1;  // fp8 has few kernels
  // One pass without a copy, unlike at::isfinite; a NaN anywhere makes both of them NaN.
  const auto [least, most] = at::aminmax(narrow ? tensor.to(torch::kFloat32) : tensor);
  if (std::isfinite(least.item<double>()) && std::isfinite(most.item<double>())) return;
  throw data_error(str(origin, ": tensor '", name,
                       "' holds NaN or infinite values; the weights are damaged, get them again"));
}

}  // namespace reasonbrain::io
