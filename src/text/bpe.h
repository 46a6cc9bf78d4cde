// Byte-pair encoding over a vocabulary with ranked merges (Sennrich et al. 2016).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace reasonbrain::text {

// A printable code point for each byte, as GPT-2 and CLIP spell bytes in their vocabularies.
const std::vector<std::string>& byte_letters();  // 256 entries

// The inverse: appends the bytes that `token` spells, or the token itself when it is not spelt so.
void append_spelt_bytes(const std::string& token, std::string& bytes);

class Bpe {
 public:
  using Vocab = std::unordered_map<std::string, int64_t>;
  using Merges = std::vector<std::pair<std::string, std::string>>;

  // Earlier merges go first. Error(kData) starting with `origin` when a merge or its result is not
  // in the vocabulary.
  Bpe(Vocab vocab, const Merges& merges, const std::string& origin);

  std::optional<int64_t> token_id(std::string_view token) const;
  const std::string* token(int64_t id) const;  // null when there is none
  int64_t max_id() const { return max_id_; }

  // Merges the symbols of one word, given as ids, in O(n log n).
  std::vector<int64_t> merge(const std::vector<int64_t>& symbols) const;

 private:
  struct Merge {
    int64_t rank, id;
  };
  struct PairHash {
    size_t operator()(const std::pair<int64_t, int64_t>& pair) const {
      return std::hash<uint64_t>()((static_cast<uint64_t>(pair.first) << 32) ^
                                   static_cast<uint64_t>(pair.second));
    }
  };

  const Merge* find_merge(int64_t left, int64_t right) const;

  Vocab vocab_;
  std::unordered_map<int64_t, std::string> tokens_;
  std::unordered_map<std::pair<int64_t, int64_t>, Merge, PairHash> merges_;
  int64_t max_id_ = -1;
};

}  // namespace reasonbrain::text
