#include "text/tokenizer_files.h"

#include <algorithm>
#include <set>

#include "core/str.h"
#include "io/json.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::text {
namespace {

using nlohmann::json;

constexpr const char* kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

Error wrong_type(const std::string& origin, const std::string& key, const char* expected) {
  return data_error(str(origin, ": '", key, "' must be ", expected));
}

bool read_flag(const json& object, const char* key, bool fallback, const std::string& origin) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  if (!found->is_boolean()) throw wrong_type(origin, key, "true or false");
  return found->get<bool>();
}

// A string, or an object with "content" and flags.
AddedToken read_token(const json& value, bool special, const std::string& key,
                      const std::string& origin) {
  AddedToken token;
  token.special = special;
  token.normalized = !special;
  if (value.is_string()) {
    token.content = value.get<std::string>();
  } else if (value.is_object() && value.contains("content") && value["content"].is_string()) {
    token.content = value["content"].get<std::string>();
    token.special = read_flag(value, "special", special, origin);
    token.lstrip = read_flag(value, "lstrip", false, origin);
    token.rstrip = read_flag(value, "rstrip", false, origin);
    token.single_word = read_flag(value, "single_word", false, origin);
    token.normalized = read_flag(value, "normalized", !token.special, origin);
  } else {
    throw wrong_type(origin, key, "a string or an object with 'content'");
  }
  if (token.content.empty()) throw data_error(str(origin, ": '", key, "' is an empty token"));
  return token;
}

void read_special_tokens(const json& object, const std::string& origin,
                         TokenizerSettings& settings) {
  for (const char* role : kRoles) {
    const auto found = object.find(role);
    if (found == object.end()) continue;
    settings.special.erase(role);
    if (found->is_null() || (found->is_string() && found->get_ref<const std::string&>().empty())) {
      continue;
    }
    settings.special[role] = read_token(*found, /*special=*/true, role, origin);
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) continue;
    for (const json& value : *found) {
      settings.extra_special.push_back(read_token(value, /*special=*/true, key, origin));
    }
  }
}

void read_config(const json& config, const std::string& origin, TokenizerSettings& settings) {
  if (config.contains("tokenizer_class") && config["tokenizer_class"].is_string()) {
    settings.tokenizer_class = config["tokenizer_class"].get<std::string>();
  }
  if (config.contains("extra_ids")) {
    settings.extra_ids = checked_token_id(config["extra_ids"], "extra_ids", origin);
  }
  for (auto [key, field] : {std::pair{"add_bos_token", &settings.add_bos_token},
                            std::pair{"add_eos_token", &settings.add_eos_token}}) {
    if (config.contains(key) && !config[key].is_null()) {
      *field = read_flag(config, key, false, origin);
    }
  }
  read_special_tokens(config, origin, settings);
}

int64_t parse_id(const std::string& digits, const std::string& origin) {
  const bool valid =
      !digits.empty() && digits.size() <= 9 &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!valid) {
    throw data_error(
        str(origin, ": key '", io::shortened(digits), "' of added_tokens_decoder is no token id"));
  }
  return std::stoll(digits);
}

json read_object(const std::filesystem::path& path) {
  json value = io::read_json(path);
  if (!value.is_object()) throw data_error(str(path.string(), ": must hold a JSON object"));
  return value;
}

void read_added_tokens(const json& object, const std::string& origin, TokenizerSettings& settings) {
  std::set<std::string> special;
  for (const auto& [role, token] : settings.special) special.insert(token.content);
  for (const AddedToken& token : settings.extra_special) special.insert(token.content);
  for (const auto& [content, id] : object.items()) {
    AddedToken token = read_token(json(content), special.count(content) > 0, content, origin);
    token.id = checked_token_id(id, content, origin);
    settings.added.push_back(std::move(token));
  }
}

}  // namespace

int64_t checked_token_id(const json& value, const std::string& token, const std::string& origin) {
  constexpr int64_t kMaxTokenId = 100'000'000;
  if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
      value.get<int64_t>() > kMaxTokenId) {
    throw data_error(str(origin, ": token '", io::shortened(token),
                         "' has no valid id: ", io::shortened(value.dump())));
  }
  return value.get<int64_t>();
}

TokenizerSettings read_tokenizer_settings(const std::filesystem::path& folder) {
  TokenizerSettings settings;
  const auto config_path = folder / "tokenizer_config.json";
  if (std::filesystem::exists(config_path)) {
    const json config = read_object(config_path);
    read_config(config, config_path.string(), settings);
    const auto decoder = config.find("added_tokens_decoder");
    if (decoder != config.end() && decoder->is_object()) {
      for (const auto& [id, value] : decoder->items()) {
        AddedToken token = read_token(value, /*special=*/false, id, config_path.string());
        token.id = parse_id(id, config_path.string());
        settings.added.push_back(std::move(token));
      }
      return settings;  // newer folders repeat in it what the older files say
    }
  }
  const auto map_path = folder / "special_tokens_map.json";
  if (std::filesystem::exists(map_path)) {
    read_special_tokens(read_object(map_path), map_path.string(), settings);
  }
  const auto added_path = folder / "added_tokens.json";
  if (std::filesystem::exists(added_path)) {
    read_added_tokens(read_object(added_path), added_path.string(), settings);
  }
  return settings;
}

std::vector<AddedToken> resolve_added_tokens(
    const TokenizerSettings& settings, int64_t first_free,
    const std::function<std::optional<int64_t>(std::string_view)>& find) {
  std::vector<AddedToken> tokens = settings.added;
  std::set<std::string> known;
  for (const AddedToken& token : tokens) {
    known.insert(token.content);
    first_free = std::max(first_free, token.id + 1);
  }
  const auto add = [&](AddedToken token) {
    if (!known.insert(token.content).second) return;
    token.id = find(token.content).value_or(-1);
    if (token.id < 0) token.id = first_free++;
    tokens.push_back(std::move(token));
  };
  for (const char* role : kRoles) {
    const auto found = settings.special.find(role);
    if (found != settings.special.end()) add(found->second);
  }
  for (const AddedToken& token : settings.extra_special) add(token);
  return tokens;
}

}  // namespace reasonbrain::text
