// PEFT folders: the file side of models/lora.h.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/json.h"
#include "models/hf_folder.h"
#include "models/lora.h"
#include "models/peft_pattern.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsStem = "adapter_model";
constexpr const char* kPrefix = "base_model.model.";
constexpr int64_t kMaxShardBytes = 5'000'000'000;

// The scalar fields of adapter_config.json that decide what the weights mean. PEFT passes over
// fan_in_fan_out for linear layers.
struct PeftOptions {
  std::string peft_type = "LORA";
  int64_t r = 8;
  double lora_alpha = 8;
  bool use_rslora = false;
  bool use_dora = false;
  bool ensure_weight_tying = false;

  void describe(OptionVisitor& v) {
    v.field("peft_type", peft_type, {.help = "Method of the adapter"});
    v.field("r", r, {.help = "Rank where rank_pattern says nothing", .min = 1, .max = 1e6});
    v.field("lora_alpha", lora_alpha,
            {.help = "Scale times rank where alpha_pattern says nothing", .min = -1e9, .max = 1e9});
    v.field("use_rslora", use_rslora, {.help = "Scale by the root of the rank"});
    v.field("use_dora", use_dora, {.help = "Weight-decomposed adapters"});
    v.field("ensure_weight_tying", ensure_weight_tying,
            {.help = "A trained table stays that of the logits"});
  }
};

struct PeftConfig {
  PeftOptions options;
  LayerPatterns ranks, alphas;
  std::string origin;
};

// Some ways of initialising adapters change the weights below them, each time they are loaded.
void refuse_initialisation(const nlohmann::json& json, const std::string& origin) {
  const auto found = json.find("init_lora_weights");
  if (found == json.end() || !found->is_string()) return;
  std::string way = found->get<std::string>();
  std::transform(way.begin(), way.end(), way.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* name : {"pissa", "corda", "olora", "loftq", "lora_ga"}) {
    if (!starts_with(way, name)) continue;
    throw data_error(str(origin, ": init_lora_weights '", way,
                         "' changes the base weights and is not supported; convert the adapter to "
                         "plain LoRA with PEFT first"));
  }
}

PeftConfig read_config(const std::filesystem::path& folder) {
  const auto path = folder / kConfigFile;
  const nlohmann::json json = io::read_json(path);
  PeftConfig config;
  config.origin = path.string();
  read_hf_options(json, config.options, config.origin);
  if (config.options.peft_type != "LORA") {
    throw data_error(str(config.origin, ": peft_type '", config.options.peft_type,
                         "' is not supported; only LORA is"));
  }
  if (config.options.use_dora) {
    throw data_error(
        str(config.origin, ": use_dora is not supported; merge the adapter with PEFT first"));
  }
  for (const char* name : {"alora_invocation_tokens", "arrow_config", "target_parameters",
                           "layer_replication", "trainable_token_indices", "lora_bias",
                           "use_bdlora", "velora_config", "monteclora_config", "kasa_config"}) {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null() || *found == false || found->empty()) continue;
    throw data_error(str(config.origin, ": ", name, " is not supported; expected null"));
  }
  refuse_initialisation(json, config.origin);
  const auto ordered = parse_ordered(read_file(path), config.origin);
  config.ranks = LayerPatterns(ordered, "rank_pattern", config.origin);
  config.alphas = LayerPatterns(ordered, "alpha_pattern", config.origin);
  return config;
}

struct AdapterKey {
  std::string file_name;  // module for A and B, parameter otherwise, as the file says
  std::string name;       // as we do
  char part = 0;          // 'A', 'B' or 0: a full weight
};

std::string without_weight(const std::string& name) {
  const std::string end = ".weight";
  return ends_with(name, end) ? name.substr(0, name.size() - end.size()) : name;
}

AdapterKey parse_key(const std::string& key, const KeyRename& own_key, const std::string& origin) {
  static const std::regex kLora(R"((.+)\.lora_([AB])(\.default)?\.weight)");
  if (!starts_with(key, kPrefix)) {
    throw data_error(str(origin, ": the key '", key, "' does not begin with ", kPrefix));
  }
  std::string name = key.substr(std::string(kPrefix).size());
  const std::string wrapped = ".base_layer";  // an adapted layer's own weight or bias
  if (const size_t at = name.rfind(wrapped + "."); at != std::string::npos)
    name.erase(at, wrapped.size());
  std::smatch match;
  if (std::regex_match(name, match, kLora)) {
    return {match[1], renamed_layer(own_key, match[1]), match[2].str()[0]};
  }
  if (name.find("lora_") != std::string::npos) {
    throw data_error(
        str(origin, ": '", key, "' is not supported; only lora_A and lora_B of linear layers are"));
  }
  return {name, own_key ? own_key(name) : name, 0};
}

void attach_like_file(nn::Linear& linear, const std::string& name, int64_t rank,
                      const PeftConfig& config) {
  const auto& options = config.options;
  const double expected = config.ranks.of(name, static_cast<double>(options.r));
  if (rank < 1 || static_cast<double>(rank) != expected) {
    throw data_error(str(config.origin, ": rank ", expected, " for ", name, ", but its lora_A has ",
                         rank, " rows; expected as many, and at least 1"));
  }
  const double alpha = config.alphas.of(name, options.lora_alpha);
  linear->attach_lora(rank, alpha / (options.use_rslora ? std::sqrt(expected) : expected));
}

// A table that PEFT trains stands beside the one of the logits; with one table for both there is
// place for it only where the adapter ties them again (ensure_weight_tying): then the file holds
// the table under both names, or under one. Brings the second name to that of the table.
void tie_again(const torch::nn::Module& module, bool ensure_weight_tying,
               std::map<std::string, AdapterKey>& keys, const std::string& origin) {
  const std::string table = "model.embed_tokens.weight", head = "lm_head";
  const auto parameters = module.named_parameters();
  const auto is_tied = [&](const std::string& stem) {
    return parameters.contains(stem + table) && !parameters.contains(stem + head + ".weight");
  };
  for (auto& [key, parsed] : keys) {
    const std::string name = parsed.part ? parsed.name : without_weight(parsed.name);
    const bool of_head = ends_with(name, head);
    if (!of_head && !ends_with(name + ".weight", table)) continue;
    const std::string stem =
        name.substr(0, name.size() - (of_head ? head.size() : without_weight(table).size()));
    if (!is_tied(stem)) continue;
    if (parsed.part || !ensure_weight_tying) {
      throw data_error(str(origin, ": the adapter has its own ", key, ", but the model has ",
                           "tie_word_embeddings; expected an adapter without modules_to_save or "
                           "target_modules of these, or one with ensure_weight_tying"));
    }
    parsed.name = stem + table;
  }
}

}  // namespace

nn::StateDict load_peft_adapter(torch::nn::Module& module, const std::filesystem::path& folder,
                                const KeyRename& own_key) {
  const PeftConfig config = read_config(folder);
  const io::TensorStore store(folder);
  auto linears = linear_children(module);
  std::map<std::string, AdapterKey> keys;
  for (const std::string& key : store.keys()) {
    keys[key] = parse_key(key, own_key, store.path().string());
  }
  if (keys.empty()) throw data_error(str(store.path().string(), ": the adapter holds no weights"));
  tie_again(module, config.options.ensure_weight_tying, keys, store.path().string());
  for (const auto& [key, parsed] : keys) {
    if (parsed.part != 'A') continue;
    const auto found = linears.find(parsed.name);
    if (found == linears.end()) {
      throw data_error(
          str(store.path().string(), ": '", key, "' belongs to no linear layer of this model"));
    }
    if (store.shape(key).empty())
      throw data_error(str(store.path().string(), ": '", key, "' is a scalar"));
    attach_like_file(found->second, parsed.file_name, store.shape(key)[0], config);
  }
  std::map<std::string, std::string> module_keys;  // by file key
  std::set<std::string> given;
  for (const auto& [key, parsed] : keys) {
    module_keys[key] = parsed.part ? str(parsed.name, ".lora_", parsed.part) : parsed.name;
    given.insert(module_keys[key]);
  }
  return load_weights(
      module, store, [&](const std::string& key) { return module_keys.at(key); },
      [&](const std::string& name) {  // all but the second half of an adapter that the file begins
        return !(ends_with(name, ".lora_B") &&
                 given.contains(name.substr(0, name.size() - 1) + "A"));
      });
}

nn::StateDict load_adapter_beside(torch::nn::Module& module, const std::filesystem::path& folder,
                                  const KeyRename& own_key) {
  const auto adapter = folder / kAdapterFolder;
  return std::filesystem::exists(adapter) ? load_peft_adapter(module, adapter, own_key)
                                          : nn::StateDict();
}

void save_peft_adapter(torch::nn::Module& module, const std::filesystem::path& folder,
                       const std::string& base_model_name_or_path, const KeyRename& file_key) {
  nn::StateDict weights;
  nlohmann::json rank_pattern = nlohmann::json::object(), alpha_pattern = nlohmann::json::object();
  int64_t rank = 0;
  double alpha = 0;
  std::set<std::string> adapted, plain_ends, targets;
  const auto last_part = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
  for (const auto& [own_name, linear] : linear_children(module)) {
    const std::string name = renamed_layer(file_key, own_name);
    if (!linear->has_lora()) {
      plain_ends.insert(last_part(name));
      continue;
    }
    const int64_t own_rank = linear->lora_A.size(0);
    const double own_alpha = linear->lora_scale * static_cast<double>(own_rank);
    if (weights.empty()) {
      rank = own_rank;
      alpha = own_alpha;
    }
    if (own_rank != rank) rank_pattern[exact_pattern(name)] = own_rank;
    if (own_alpha != alpha) alpha_pattern[exact_pattern(name)] = own_alpha;
    weights[str(kPrefix, name, ".lora_A.weight")] = linear->lora_A;
    weights[str(kPrefix, name, ".lora_B.weight")] = linear->lora_B;
    adapted.insert(name);
  }
  if (adapted.empty())
    throw runtime_error(str(folder.string(), ": the model has no LoRA adapter to save"));
  // A last part names all layers that end with it, so it stands for them only when all have
  // adapters.
  for (const std::string& name : adapted) {
    targets.insert(plain_ends.contains(last_part(name)) ? name : last_part(name));
  }
  std::filesystem::create_directories(folder);
  io::save_sharded_safetensors(folder, kWeightsStem, weights, kMaxShardBytes);
  io::write_json(folder / kConfigFile, {{"peft_type", "LORA"},
                                        {"r", rank},
                                        {"lora_alpha", alpha},
                                        {"lora_dropout", 0.0},
                                        {"bias", "none"},
                                        {"fan_in_fan_out", false},
                                        {"inference_mode", true},
                                        {"target_modules", targets},
                                        {"rank_pattern", rank_pattern},
                                        {"alpha_pattern", alpha_pattern},
                                        {"base_model_name_or_path", base_model_name_or_path}});
}

}  // namespace reasonbrain::models
