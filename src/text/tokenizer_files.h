// The JSON files around a tokenizer: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json (transformers PreTrainedTokenizerBase.from_pretrained).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

struct AddedToken {
  std::string content;
  int64_t id = -1;  // -1: not known yet
  bool special = false;
  bool lstrip = false;       // swallows white space in front of it
  bool rstrip = false;       // ... behind it
  bool single_word = false;  // only where no letter, mark, digit or "_" touches it
  bool normalized = false;   // matches the normalised text instead of the raw one
};

struct TokenizerSettings {
  std::string tokenizer_class;
  std::optional<bool> add_bos_token, add_eos_token;
  std::optional<int64_t> extra_ids;           // T5's sentinels
  std::map<std::string, AddedToken> special;  // by role: "bos_token", "eos_token", "unk_token", ...
  std::vector<AddedToken> extra_special;
  std::vector<AddedToken> added;  // with ids
};

// Files that are not there leave the defaults. Error(kData) for wrong types.
TokenizerSettings read_tokenizer_settings(const std::filesystem::path& folder);

// A whole number of at least 0; else Error(kData) naming the token.
int64_t checked_token_id(const nlohmann::json& value, const std::string& token,
                         const std::string& origin);

// Every added token with its id: `settings.added`, then the special tokens by role and the extra
// ones. A token without an id takes `find(content)`, or else the next free id from `first_free` on.
std::vector<AddedToken> resolve_added_tokens(
    const TokenizerSettings& settings, int64_t first_free,
    const std::function<std::optional<int64_t>(std::string_view)>& find);

}  // namespace reasonbrain::text
