// Unigram of tokenizer.json.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "text/step_fields.h"
#include "text/token_model.h"
#include "text/unigram_cuts.h"

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
      cuts_.insert(entries_[id].token, static_cast<int64_t>(id), entries_[id].score);
      lowest = std::min(lowest, entries_[id].score);
    }
    unknown_score_ = lowest - kUnknownPenalty;
  }

  void encode(const std::string& piece, std::vector<int64_t>& ids) const override {
    for (const auto& span : cuts_.best(piece, unknown_, unknown_score_)) {
      const std::string token = piece.substr(span.begin, span.end - span.begin);
      if (const auto id = token_id(token)) {
        ids.push_back(*id);
        continue;
      }
      const std::vector<int64_t> bytes =
          byte_fallback_ ? byte_ids(*this, token) : std::vector<int64_t>();
      ids.insert(ids.end(), bytes.begin(), bytes.end());
      if (bytes.empty()) ids.push_back(unknown_.value());
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
  std::vector<Entry> entries_;
  std::unordered_map<std::string, int64_t> ids_;
  UnigramCuts<double> cuts_;
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
