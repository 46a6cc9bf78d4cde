// The cut of a text into tokens with the greatest sum of scores (Kudo 2018, Viterbi).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reasonbrain/error.h"

namespace reasonbrain::text {

// All sums and comparisons are in Score. Of equal sums the one whose last token is longest wins.
template <class Score>
class UnigramCuts {
 public:
  struct Span {
    size_t begin = 0, end = 0;
    int64_t id = -1;
  };

  void insert(std::string_view token, int64_t id, Score score) {
    int64_t node = 0;
    for (const char byte : token) {
      const auto [found, fresh] = next_.try_emplace(edge(node, byte), num_nodes_);
      if (fresh) ++num_nodes_;
      node = found->second;
    }
    if (!token.empty()) ends_[node] = {id, score};
  }

  // Letters that are no token are of the id `unknown`; neighbouring ones are one span. Error(kData)
  // where it is needed and missing.
  std::vector<Span> best(std::string_view text, std::optional<int64_t> unknown,
                         Score unknown_score) const {
    const std::vector<Cut> best = cuts(text, unknown, unknown_score);
    std::vector<Span> spans;  // last first
    bool joining = false;
    for (size_t end = text.size(); end > 0; end = best[end].begin) {
      const bool is_unknown = best[end].id == unknown;
      if (!is_unknown || !joining) spans.push_back({0, end, best[end].id});
      spans.back().begin = best[end].begin;
      joining = is_unknown;
    }
    std::reverse(spans.begin(), spans.end());
    return spans;
  }

 private:
  struct Cut {  // the best way to end at a byte
    Score score = 0;
    size_t begin = 0;
    int64_t id = -1;
    bool reached = false;
  };
  struct Token {
    int64_t id = -1;
    Score score = 0;
  };

  static uint64_t edge(int64_t node, char byte) {
    return (static_cast<uint64_t>(node) << 8) | static_cast<uint8_t>(byte);
  }

  std::vector<Cut> cuts(std::string_view text, std::optional<int64_t> unknown,
                        Score unknown_score) const {
    std::vector<Cut> best(text.size() + 1);
    best[0].reached = true;
    const auto offer = [&](size_t begin, size_t end, Score score, int64_t id) {
      Cut& cut = best[end];
      const Score sum = best[begin].score + score;
      if (!cut.reached || sum > cut.score) cut = {sum, begin, id, true};
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
        const auto token = ends_.find(node);
        if (token == ends_.end()) continue;
        offer(begin, end, token->second.score, token->second.id);
        single = single || end == letter_end;
      }
      if (!single) {
        if (!unknown) {
          throw data_error("the text holds what the vocabulary lacks, and it has no unk_id");
        }
        offer(begin, letter_end, unknown_score, *unknown);
      }
      begin = letter_end;
    }
    return best;
  }

  std::unordered_map<uint64_t, int64_t> next_;  // edges of the trie of tokens
  std::unordered_map<int64_t, Token> ends_;     // by node
  int64_t num_nodes_ = 1;
};

}  // namespace reasonbrain::text
