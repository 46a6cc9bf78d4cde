// BPE of tokenizer.json: byte-level vocabularies and those of SentencePiece with byte fallback.
#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "text/bpe.h"
#include "text/step_fields.h"
#include "text/token_model.h"
#include "text/tokenizer_files.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

using nlohmann::json;

struct BpeRules {
  bool byte_fallback = false, fuse_unknown = false, ignore_merges = false;
  std::string word_end;  // written behind the last symbol of a piece
};

class BpeModel : public TokenModel {
 public:
  BpeModel(Bpe bpe, BpeRules rules, std::optional<int64_t> unknown)
      : bpe_(std::move(bpe)), rules_(std::move(rules)), unknown_(unknown) {}

  void encode(const std::string& piece, std::vector<int64_t>& ids) const override {
    if (rules_.ignore_merges) {
      if (const auto id = bpe_.token_id(piece)) {
        ids.push_back(*id);
        return;
      }
    }
    const std::vector<int64_t> merged = bpe_.merge(symbols(piece));
    ids.insert(ids.end(), merged.begin(), merged.end());
  }

  std::optional<int64_t> token_id(std::string_view token) const override {
    return bpe_.token_id(token);
  }
  const std::string* token(int64_t id) const override { return bpe_.token(id); }
  int64_t max_id() const override { return bpe_.max_id(); }

 private:
  std::vector<int64_t> symbols(const std::string& piece) const {
    std::vector<int64_t> out;
    bool pending = false;  // an unknown symbol that further ones may join
    const auto flush = [&] {
      if (pending) out.push_back(*unknown_);
      pending = false;
    };
    const std::u32string letters = decode_utf8(piece);
    for (size_t i = 0; i < letters.size(); ++i) {
      std::string symbol;
      append_utf8(letters[i], symbol);
      if (i + 1 == letters.size()) symbol += rules_.word_end;
      if (const auto id = bpe_.token_id(symbol)) {
        flush();
        out.push_back(*id);
        continue;
      }
      const std::vector<int64_t> bytes =
          rules_.byte_fallback ? byte_ids(*this, symbol) : std::vector<int64_t>();
      out.insert(out.end(), bytes.begin(), bytes.end());
      if (!bytes.empty() || !unknown_) continue;
      if (!rules_.fuse_unknown) flush();
      pending = true;
    }
    flush();
    return out;
  }

  Bpe bpe_;
  BpeRules rules_;
  std::optional<int64_t> unknown_;
};

Bpe::Merges read_merges(const json& model, const std::string& origin) {
  Bpe::Merges merges;
  for (const json& merge : list_field(model, "merges", origin)) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      throw data_error(str(origin, ": merge ", merges.size() + 1, " is ",
                           io::shortened(merge.dump()), "; expected two tokens"));
    }
    merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return merges;
}

std::string optional_text(const json& model, const char* name, const std::string& origin) {
  const auto found = model.find(name);
  return found == model.end() || found->is_null() ? "" : text_field(model, name, origin);
}

}  // namespace

std::unique_ptr<TokenModel> parse_bpe_model(const json& model, const std::string& origin) {
  const auto vocab_field = model.find("vocab");
  if (vocab_field == model.end() || !vocab_field->is_object() || vocab_field->empty()) {
    throw data_error(str(origin, ": 'vocab' must be an object of token to id"));
  }
  if (!optional_text(model, "continuing_subword_prefix", origin).empty()) {
    throw data_error(str(origin, ": continuing_subword_prefix is not supported"));
  }
  const auto dropout = model.find("dropout");
  if (dropout != model.end() && !dropout->is_null() && *dropout != 0) {
    throw data_error(str(origin, ": dropout ", io::shortened(dropout->dump()),
                         " is not supported; set it to null"));
  }
  Bpe::Vocab vocab;
  for (const auto& [token, id] : vocab_field->items()) {
    vocab.emplace(token, checked_token_id(id, token, origin));
  }
  BpeRules rules;
  rules.byte_fallback = flag_field(model, "byte_fallback", false, origin);
  rules.fuse_unknown = flag_field(model, "fuse_unk", false, origin);
  rules.ignore_merges = flag_field(model, "ignore_merges", false, origin);
  rules.word_end = optional_text(model, "end_of_word_suffix", origin);
  const std::string unknown = optional_text(model, "unk_token", origin);
  Bpe bpe(std::move(vocab), read_merges(model, origin), origin);
  const auto unknown_id = unknown.empty() ? std::nullopt : bpe.token_id(unknown);
  if (!unknown.empty() && !unknown_id) {
    throw data_error(
        str(origin, ": unk_token '", io::shortened(unknown), "' is not in the vocabulary"));
  }
  return std::make_unique<BpeModel>(std::move(bpe), std::move(rules), unknown_id);
}

}  // namespace reasonbrain::text
