#include "text/bpe.h"

#include <algorithm>
#include <map>
#include <queue>
#include <tuple>

#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

bool is_printable_byte(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

}  // namespace

const std::vector<std::string>& byte_letters() {
  static const std::vector<std::string> letters = [] {
    std::vector<std::string> out(256);
    char32_t substitute = 0x100;  // bytes that do not print take the code points from here on
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = is_printable_byte(byte);
      append_utf8(printable ? static_cast<char32_t>(byte) : substitute++,
                  out[static_cast<size_t>(byte)]);
    }
    return out;
  }();
  return letters;
}

void append_spelt_bytes(const std::string& token, std::string& bytes) {
  static const std::map<char32_t, char> bytes_of = [] {
    std::map<char32_t, char> out;
    for (size_t byte = 0; byte < 256; ++byte) {
      out[decode_utf8(byte_letters()[byte])[0]] = static_cast<char>(byte);
    }
    return out;
  }();
  std::string spelt;
  for (char32_t c : decode_utf8(token)) {
    const auto found = bytes_of.find(c);
    if (found == bytes_of.end()) {
      bytes += token;
      return;
    }
    spelt.push_back(found->second);
  }
  bytes += spelt;
}

Bpe::Bpe(Vocab vocab, const Merges& merges, const std::string& origin) : vocab_(std::move(vocab)) {
  for (const auto& [token, id] : vocab_) {
    tokens_.emplace(id, token);
    max_id_ = std::max(max_id_, id);
  }
  int64_t rank = 0;
  for (const auto& [left, right] : merges) {
    const auto left_id = token_id(left), right_id = token_id(right), id = token_id(left + right);
    if (!left_id || !right_id || !id) {
      const std::string& missing = !left_id ? left : !right_id ? right : left + right;
      throw data_error(str(origin, ": merge ", rank + 1, " ('", left, "' '", right, "') needs '",
                           missing, "', which is not in the vocabulary"));
    }
    merges_[{*left_id, *right_id}] = {rank++, *id};
  }
}

std::optional<int64_t> Bpe::token_id(std::string_view token) const {
  const auto found = vocab_.find(std::string(token));
  return found == vocab_.end() ? std::nullopt : std::optional<int64_t>(found->second);
}

const std::string* Bpe::token(int64_t id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

const Bpe::Merge* Bpe::find_merge(int64_t left, int64_t right) const {
  const auto found = merges_.find({left, right});
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<int64_t> Bpe::merge(const std::vector<int64_t>& symbols) const {
  constexpr size_t kNone = SIZE_MAX;
  const size_t count = symbols.size();
  std::vector<int64_t> ids = symbols;
  std::vector<size_t> next(count), previous(count);
  // Lowest rank first, then leftmost; an entry is stale when its pair no longer gives its result.
  using Candidate = std::tuple<int64_t, size_t, int64_t>;  // rank, left position, result
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto push = [&](size_t left, size_t right) {
    if (left == kNone || right == kNone) return;
    if (const Merge* merge = find_merge(ids[left], ids[right])) {
      queue.emplace(merge->rank, left, merge->id);
    }
  };
  for (size_t i = 0; i < count; ++i) {
    previous[i] = i == 0 ? kNone : i - 1;
    next[i] = i + 1 == count ? kNone : i + 1;
    push(i, next[i]);
  }
  constexpr int64_t kMerged = -1;
  while (!queue.empty()) {
    const auto [rank, left, id] = queue.top();
    queue.pop();
    const size_t right = next[left];
    if (ids[left] == kMerged || right == kNone) continue;
    const Merge* merge = find_merge(ids[left], ids[right]);
    if (merge == nullptr || merge->id != id) continue;
    ids[left] = id;
    ids[right] = kMerged;
    next[left] = next[right];
    if (next[right] != kNone) previous[next[right]] = left;
    push(previous[left], left);
    push(left, next[left]);
  }
  ids.erase(std::remove(ids.begin(), ids.end(), kMerged), ids.end());
  return ids;
}

}  // namespace reasonbrain::text
