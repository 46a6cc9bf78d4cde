#include "text/clip_tokenizer.h"

#include <algorithm>

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/json.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "text/clip_words.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

Bpe::Vocab read_vocab(const std::filesystem::path& path) {
  const nlohmann::json object = io::read_json(path);
  if (!object.is_object() || object.empty()) {
    throw data_error(str(path.string(), ": must hold an object of token to id"));
  }
  Bpe::Vocab vocab;
  for (const auto& [token, id] : object.items()) {
    vocab.emplace(token, checked_token_id(id, token, path.string()));
  }
  return vocab;
}

Bpe::Merges read_merges(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  if (!is_valid_utf8(text)) throw data_error(str(path.string(), ": not UTF-8"));
  Bpe::Merges merges;
  int number = 0;
  for (std::string line : split(text, '\n')) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || starts_with(line, "#version")) continue;
    const std::vector<std::string> parts = split(line, ' ');
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
      throw data_error(str(path.string(), ":", number, ": expected two tokens, got '",
                           io::shortened(line), "'"));
    }
    merges.emplace_back(parts[0], parts[1]);
  }
  return merges;
}

void set_default_roles(TokenizerSettings& settings) {
  for (auto [role, content] :
       {std::pair{"bos_token", "<|startoftext|>"}, std::pair{"eos_token", "<|endoftext|>"},
        std::pair{"unk_token", "<|endoftext|>"}, std::pair{"pad_token", "<|endoftext|>"}}) {
    AddedToken token;
    token.content = content;
    token.special = true;
    settings.special.emplace(role, token);
  }
}

}  // namespace

ClipTokenizer::ClipTokenizer(const std::filesystem::path& folder)
    : bpe_(read_vocab(folder / "vocab.json"), read_merges(folder / "merges.txt"),
           (folder / "merges.txt").string()) {
  TokenizerSettings settings = read_tokenizer_settings(folder);
  set_default_roles(settings);
  const auto find = [this](std::string_view token) { return bpe_.token_id(token); };
  std::vector<AddedToken> raw, normalized;
  for (AddedToken& token : resolve_added_tokens(settings, bpe_.max_id() + 1, find)) {
    (token.normalized ? normalized : raw).push_back(std::move(token));
  }
  raw_ = AddedTokens(std::move(raw));
  normalized_ = AddedTokens(std::move(normalized), clip_normalize);
  for (auto [role, id] : {std::pair{"bos_token", &bos_id_}, std::pair{"eos_token", &eos_id_},
                          std::pair{"pad_token", &pad_id_}, std::pair{"unk_token", &unknown_id_}}) {
    *id = token_id(settings.special.at(role).content).value();
  }
}

void ClipTokenizer::encode_words(std::string_view normalized, std::vector<int64_t>& ids) const {
  for (const std::string& word : clip_words(normalized)) {
    std::vector<int64_t> symbols;
    for (const std::string& symbol : clip_symbols(word)) {
      symbols.push_back(bpe_.token_id(symbol).value_or(unknown_id_));
    }
    const std::vector<int64_t> merged = bpe_.merge(symbols);
    ids.insert(ids.end(), merged.begin(), merged.end());
  }
}

std::vector<int64_t> ClipTokenizer::encode(std::string_view text, bool add_special) const {
  const std::string clean = replace_invalid_utf8(text);
  std::vector<int64_t> ids;
  if (add_special) ids.push_back(bos_id_);
  for (const Segment& outer : raw_.split(clean)) {
    if (outer.token != nullptr) {
      ids.push_back(outer.token->id);
      continue;
    }
    const std::string normalized = clip_normalize(outer.text);
    for (const Segment& inner : normalized_.split(normalized)) {
      if (inner.token != nullptr) {
        ids.push_back(inner.token->id);
      } else {
        encode_words(inner.text, ids);
      }
    }
  }
  if (add_special) ids.push_back(eos_id_);
  return ids;
}

std::string ClipTokenizer::decode(const std::vector<int64_t>& ids, bool skip_special) const {
  std::string bytes;
  for (int64_t id : ids) {
    const AddedToken* added = raw_.find(id);
    if (added == nullptr) added = normalized_.find(id);
    const std::string* token = bpe_.token(id);
    if (added != nullptr) {
      if (!skip_special) append_spelt_bytes(added->content, bytes);
    } else if (token != nullptr) {
      append_spelt_bytes(*token, bytes);
    } else {
      throw data_error(str("token id ", id, " is outside the vocabulary of ", vocab_size()));
    }
  }
  return clip_text(replace_invalid_utf8(bytes));
}

std::optional<int64_t> ClipTokenizer::token_id(std::string_view token) const {
  if (const AddedToken* added = raw_.find(token)) return added->id;
  if (const AddedToken* added = normalized_.find(token)) return added->id;
  return bpe_.token_id(token);
}

int64_t ClipTokenizer::vocab_size() const {
  return std::max({bpe_.max_id(), raw_.max_id(), normalized_.max_id()}) + 1;
}

}  // namespace reasonbrain::text
