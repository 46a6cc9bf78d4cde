#include "models/hf_folder.h"

#include <algorithm>
#include <set>

#include "core/sha256.h"
#include "core/str.h"
#include "io/json.h"
#include "models/key_map.h"
#include "models/lora.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

constexpr int64_t kMaxShardBytes = 5'000'000'000;  // as transformers

std::string dtype_name(torch::ScalarType dtype) {
  switch (dtype) {
    case torch::kFloat16:
      return "float16";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kFloat64:
      return "float64";
    default:
      return "float32";
  }
}

}  // namespace

nlohmann::json read_hf_config(const std::filesystem::path& folder) {
  const auto path = folder / "config.json";
  nlohmann::json config = io::read_json(path);
  if (!config.is_object()) {
    throw data_error(str(path.string(), ": expected a JSON object with the model's options"));
  }
  return config;
}

void expect_model_type(const nlohmann::json& config, const std::vector<std::string>& accepted,
                       const std::string& origin) {
  const auto found = config.find("model_type");
  if (found == config.end() || found->is_null()) return;
  const std::string type = found->is_string() ? found->get<std::string>() : found->dump();
  if (std::find(accepted.begin(), accepted.end(), type) != accepted.end()) return;
  throw data_error(
      str(origin, ": model_type '", type, "' is not read here; expected ", join(accepted, " or ")));
}

nn::StateDict load_weights(torch::nn::Module& module, const io::TensorStore& store,
                           const KeyMap& key_map,
                           const std::function<bool(const std::string&)>& may_be_missing) {
  KeyPlan plan;
  for (const std::string& key : store.keys()) {
    if (const std::optional<std::string> name = key_map(key)) plan.add(key, *name);
  }
  load_bindings(module, store, plan, may_be_missing, /*missing_name=*/{});
  const nn::StateDict own = nn::state_dict(module);
  nn::StateDict by_file_key;
  for (const KeyBinding& binding : plan.bindings) {
    by_file_key[binding.file[0]] = own.at(binding.module[0]);
  }
  return by_file_key;
}

bool differ(const io::TensorStore& store, const std::string& a, const std::string& b) {
  return store.contains(a) && store.contains(b) && !at::equal(store.tensor(a), store.tensor(b));
}

nn::StateDict base_state_dict(const torch::nn::Module& module) {
  nn::StateDict weights = nn::state_dict(module);
  std::erase_if(weights, [](const auto& entry) { return is_lora_parameter(entry.first); });
  return weights;
}

void save_hf_folder(const std::filesystem::path& folder, nlohmann::json config,
                    const nn::StateDict& weights, const std::string& stem) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw runtime_error(str("cannot create folder ", folder.string(), ": ", error.message()));
  }
  // transformers' field; diffusers, whose folders name their class, hands every field to the class.
  if (!weights.empty() && !config.contains("_class_name"))
    config["dtype"] = dtype_name(weights.begin()->second.scalar_type());
  io::save_sharded_safetensors(folder, stem, weights, kMaxShardBytes);
  io::write_json(folder / "config.json", config);
}

std::string settings_sha256(const std::filesystem::path& folder) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::filesystem::path& file = entry.path();
    const std::string name = file.filename().string();
    const std::string extension = file.extension().string();
    const bool is_setting = extension == ".json" || extension == ".txt" || extension == ".model";
    const bool is_index = name == "model_index.json" || ends_with(name, ".index.json");
    if (is_setting && !is_index && entry.is_regular_file()) files.insert(file);
  }
  std::string lines;
  for (const std::filesystem::path& file : files)
    lines += str(file.lexically_relative(folder).string(), " ", sha256_file(file), "\n");
  return sha256_hex(lines);
}

}  // namespace reasonbrain::models
