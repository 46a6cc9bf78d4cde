// Unigram of tokenizer.json (Kudo 2018): the cut of a piece with the greatest sum of scores.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "text/step_fields.h"
#include "text/token_model.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

using nlohmann::json;

constexpr double kUnknownPenalty = 10;  // below the lowest score

class UnigramModel : public TokenModel {
 public:
  struct Entry {
    std::string token;
    double score = 0;
  };

  UnigramModel(std::vector<Entry> entries, std::optional<int64_t> unknown, bool byte_fallback)
      : entries_(std::move(entries)), unknown_(unknown), byte_fallback_(byte_fallback) {
    double lowest = std::numeric_limits<double>::infinity();
    for (size_t id = 0; id < entries_.size(); ++id) {
      ids_[entries_[id].token] = static_cast<int64_t>(id);
      insert(entries_[id].token, static_cast<int64_t>(id));
      lowest = std::min(lowest, entries_[id].score);
    }
    unknown_score_ = lowest - kUnknownPenalty;
  }

  void encode(const std::string& piece, std::vector<int64_t>& ids) const override {
    for (const std::string& token : best_cut(piece)) {
      if (const auto id = token_id(token)) {
        ids.push_back(*id);
        continue;
      }
      const std::vector<int64_t> bytes =
          byte_fallback_ ? byte_ids(*this, token) : std::vector<int64_t>();
      ids.insert(ids.end(), bytes.begin(), bytes.end());
      if (bytes.empty()) ids.push_back(unknown());
    }
  }

  std::optional<int64_t> token_id(std::string_view token) const override {
    const auto found = ids_.find(std::string(token));
    return found == ids_.end() ? std::nullopt : std::optional<int64_t>(found->second);
  }
  const std::string* token(int64_t id) const override {
    const bool known = id >= 0 && id < static_cast<int64_t>(entries_.size());
    return known ? &entries_[static_cast<size_t>(id)].token : nullptr;
  }
  int64_t max_id() const override { return static_cast<int64_t>(entries_.size()) - 1; }

 private:
  struct Cut {  // the best way to end at a byte
    double score = 0;
    size_t begin = 0;
    int64_t id = -1;
    bool reached = false;
  };

  static uint64_t edge(int64_t node, char byte) {
    return (static_cast<uint64_t>(node) << 8) | static_cast<uint8_t>(byte);
  }

  void insert(const std::string& token, int64_t id) {
    int64_t node = 0;
    for (const char byte : token) {
      const auto [found, fresh] = next_.try_emplace(edge(node, byte), num_nodes_);
      if (fresh) ++num_nodes_;
      node = found->second;
    }
    if (!token.empty()) ends_[node] = id;
  }

  int64_t unknown() const {
    if (!unknown_)
      throw data_error("the text holds what the vocabulary lacks, and it has no unk_id");
    return *unknown_;
  }

  std::vector<Cut> cuts(std::string_view text) const {
    std::vector<Cut> best(text.size() + 1);
    best[0].reached = true;
    const auto offer = [&](size_t begin, size_t end, double score, int64_t id) {
      Cut& cut = best[end];
      if (!cut.reached || score > cut.score) cut = {score, begin, id, true};
    };
    for (size_t begin = 0; begin < text.size();) {
      size_t letter_end = begin + 1;
      while (letter_end < text.size() && (static_cast<uint8_t>(text[letter_end]) & 0xC0) == 0x80) {
        ++letter_end;
      }
      bool single = false;
      int64_t node = 0;
      for (size_t end = begin; end < text.size();) {
        const auto found = next_.find(edge(node, text[end++]));
        if (found == next_.end()) break;
        node = found->second;
        const auto id = ends_.find(node);
        if (id == ends_.end()) continue;
        offer(begin, end, best[begin].score + entries_[static_cast<size_t>(id->second)].score,
              id->second);
        single = single || end == letter_end;
      }
      if (!single) offer(begin, letter_end, best[begin].score + unknown_score_, unknown());
      begin = letter_end;
    }
    return best;
  }

  // Neighbouring unknown letters are one token.
  std::vector<std::string> best_cut(const std::string& text) const {
    const std::vector<Cut> best = cuts(text);
    std::vector<std::pair<size_t, size_t>> spans;  // [begin, end), last first
    bool joining = false;
    for (size_t end = text.size(); end > 0; end = best[end].begin) {
      const bool is_unknown = best[end].id == unknown_;
      if (!is_unknown || !joining) spans.emplace_back(0, end);
      spans.back().first = best[end].begin;
      joining = is_unknown;
    }
    std::vector<std::string> tokens;
    for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
      tokens.push_back(text.substr(span->first, span->second - span->first));
    }
    return tokens;
  }

  std::vector<Entry> entries_;
  std::unordered_map<std::string, int64_t> ids_;
  std::unordered_map<uint64_t, int64_t> next_;  // edges of the trie of tokens
  std::unordered_map<int64_t, int64_t> ends_;   // node -> id
  int64_t num_nodes_ = 1;
  std::optional<int64_t> unknown_;
  bool byte_fallback_;
  double unknown_score_ = 0;
};

}  // namespace

std::unique_ptr<TokenModel> parse_unigram_model(const json& model, const std::string& origin) {
  std::vector<UnigramModel::Entry> entries;
  for (const json& entry : list_field(model, "vocab", origin)) {
    const bool valid = entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
                       entry[1].is_number() && std::isfinite(entry[1].get<double>());
    if (!valid) {
      throw data_error(str(origin, ": entry ", entries.size(), " of 'vocab' is ",
                           io::shortened(entry.dump()), "; expected a token and its score"));
    }
    entries.push_back({entry[0].get<std::string>(), entry[1].get<double>()});
  }
  if (entries.empty()) throw data_error(str(origin, ": 'vocab' is empty"));
  std::optional<int64_t> unknown;
  const auto found = model.find("unk_id");
  if (found != model.end() && !found->is_null()) {
    if (!found->is_number_unsigned() || found->get<uint64_t>() >= entries.size()) {
      throw data_error(
          str(origin, ": unk_id ", io::shortened(found->dump()), " is no entry of 'vocab'"));
    }
    unknown = found->get<int64_t>();
  }
  return std::make_unique<UnigramModel>(std::move(entries), unknown,
                                        flag_field(model, "byte_fallback", false, origin));
}

}  // namespace reasonbrain::text
