#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "io/json.h"
#include "io/path_safety.h"
#include "io/weight_file_tensor.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::io {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFileSuffix = ".safetensors";
constexpr const char* kIndexSuffix = ".index.json";

// What trainers call the weights of a folder, best first.
constexpr const char* kNames[] = {
    "model.safetensors", "diffusion_pytorch_model.safetensors", "adapter_model.safetensors",
    "pytorch_model.bin", "diffusion_pytorch_model.bin",         "adapter_model.bin"};
constexpr const char* kExtensions[] = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"};

}  // namespace

bool is_weight_file(const fs::path& path) {
  return std::find(std::begin(kExtensions), std::end(kExtensions), path.extension()) !=
         std::end(kExtensions);
}

namespace {

// The weight file or index of a folder.
fs::path find_weights(const fs::path& folder) {
  for (const char* name : kNames) {
    for (const char* suffix : {"", kIndexSuffix}) {
      const fs::path candidate = folder / (std::string(name) + suffix);
      if (fs::exists(candidate)) return candidate;
    }
  }
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {  // of a variant: X.index.fp16.json
    const std::string name = entry.path().filename().string();
    if (name.find(".safetensors.index.") != std::string::npos && ends_with(name, ".json"))
      found.push_back(entry.path());
  }
  if (found.size() == 1) return found[0];
  found.clear();
  for (const char* extension : kExtensions) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == extension) found.push_back(entry.path());
    }
    if (extension == kExtensions[0] && found.size() == 1) return found[0];
  }
  if (found.size() == 1) return found[0];
  throw data_error(str(folder.string(), " has ", found.empty() ? "no" : "several",
                       " weight files, expected one of ", kNames[0], ", ", kNames[1], ", ",
                       kNames[3], ", or a single file of another name (.safetensors, .bin, .pt, ",
                       ".pth, .ckpt)"));
}

// tensor -> file name, as the index says.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const nlohmann::json index = read_json(path);
  const auto found = index.is_object() ? index.find("weight_map") : index.end();
  if (found == index.end() || !found->is_object() || found->empty()) {
    throw data_error(path.string() + " has no weight_map of tensor names to files");
  }
  std::map<std::string, std::string> shards;
  for (const auto& item : found->items()) {
    if (!item.value().is_string()) {
      throw data_error(str(path.string(), ": weight_map '", item.key(), "' is not a file name"));
    }
    shards[item.key()] = item.value().get<std::string>();
  }
  return shards;
}

// A plain name may be a link, as in caches that keep their files elsewhere; whoever has made it has
// chosen the file. A path inside the index may not lead out of the folder.
fs::path shard_path(const fs::path& index, const std::string& file) {
  const fs::path name(file);
  const bool plain = !file.empty() && name.filename() == name && name != ".." && name != "." &&
                     file.find('\0') == std::string::npos;
  return plain ? index.parent_path() / name
               : resolve_inside(index.parent_path(), file, index.string());
}

int64_t num_bytes_of(const torch::Tensor& tensor) {
  return tensor.numel() * tensor.element_size();
}

std::string shard_name(const std::string& stem, size_t number, size_t count) {
  const auto five = [](size_t n) {
    const std::string digits = std::to_string(n);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return stem + "-" + five(number) + "-of-" + five(count) + kFileSuffix;
}

}  // namespace

TensorStore::TensorStore(const fs::path& file_or_folder) try : path_(file_or_folder) {
  if (!fs::exists(path_)) throw data_error(path_.string() + " does not exist, expected weights");
  const fs::path weights = fs::is_directory(path_) ? find_weights(path_) : path_;
  if (!ends_with(weights.string(), ".json")) {
    files_.push_back(open_tensor_file(weights));
    for (const std::string& name : files_[0]->keys()) where_[name] = 0;
    return;
  }
  const auto shards = read_index(weights);
  std::map<std::string, size_t> opened;
  for (const auto& [name, file] : shards) {
    const auto [position, is_new] = opened.try_emplace(file, files_.size());
    if (is_new) {
      const fs::path shard = shard_path(weights, file);
      if (!fs::exists(shard)) {
        throw data_error(
            str(weights.string(), " names ", file, ", which is missing; get it again"));
      }
      files_.push_back(open_tensor_file(shard));
    }
    if (!files_[position->second]->contains(name)) {
      throw data_error(str(weights.string(), " expects tensor '", name, "' in ", file,
                           ", which does not hold it"));
    }
    where_[name] = position->second;
  }
} catch (const fs::filesystem_error& problem) {
  throw unreadable(problem);
}

const TensorFile& TensorStore::file_of(const std::string& name) const {
  const auto found = where_.find(name);
  if (found != where_.end()) return *files_[found->second];
  const std::string nearest = nearest_match(name, keys());
  const std::string message = str(path_.string(), " has no tensor '", name, "'");
  throw data_error(nearest.empty() ? message : message + ", nearest '" + nearest + "'");
}

std::vector<std::string> TensorStore::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : where_) names.push_back(entry.first);
  return names;
}

std::vector<int64_t> TensorStore::shape(const std::string& name) const {
  return file_of(name).shape(name);
}

torch::ScalarType TensorStore::dtype(const std::string& name) const {
  return file_of(name).dtype(name);
}

torch::Tensor TensorStore::tensor(const std::string& name) const {
  return file_of(name).tensor(name);
}

void TensorStore::release(const std::string& name) const {
  file_of(name).release(name);
}

TensorMap TensorStore::tensors() const {
  TensorMap tensors;
  for (const auto& [name, file] : where_) tensors.emplace(name, files_[file]->tensor(name));
  return tensors;
}

const TextMetadata& TensorStore::metadata() const {
  return files_.front()->metadata();
}

std::vector<fs::path> TensorStore::files() const {
  std::vector<fs::path> paths;
  for (const auto& file : files_) paths.push_back(file->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

void save_sharded_safetensors(const fs::path& folder, const std::string& stem,
                              const TensorMap& tensors, int64_t max_shard_bytes,
                              TextMetadata metadata) {
  std::vector<TensorMap> shards(1);
  int64_t shard_bytes = 0, total_bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    const int64_t num_bytes = num_bytes_of(tensor);
    if (!shards.back().empty() && shard_bytes + num_bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().emplace(name, tensor);
    shard_bytes += num_bytes;
    total_bytes += num_bytes;
  }
  if (shards.size() == 1) {
    save_safetensors(folder / (stem + kFileSuffix), tensors, std::move(metadata));
    return;
  }
  nlohmann::json weight_map = nlohmann::json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string file = shard_name(stem, i + 1, shards.size());
    save_safetensors(folder / file, shards[i], metadata);
    for (const auto& entry : shards[i]) weight_map[entry.first] = file;
  }
  write_json(folder / (stem + kFileSuffix + kIndexSuffix),
             {{"metadata", {{"total_size", total_bytes}}}, {"weight_map", weight_map}});
}

}  // namespace reasonbrain::io
