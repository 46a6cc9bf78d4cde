// Tokens that are matched in the text as they stand, before the rest is tokenised.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer_files.h"

namespace reasonbrain::text {

struct Segment {
  std::string_view text;              // of the input; of no use for an added token
  const AddedToken* token = nullptr;  // null for ordinary text
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // `normalize`: how the texts that split() gets were normalised; the contents of the tokens become
  // so too, and one of which nothing is left is never matched.
  explicit AddedTokens(std::vector<AddedToken> tokens,
                       const std::function<std::string(const std::string&)>& normalize = {});

  // Leftmost and then longest matches; what lies between them is ordinary text, never empty.
  std::vector<Segment> split(std::string_view text) const;

  const AddedToken* find(int64_t id) const;
  const AddedToken* find(std::string_view content) const;  // as written, before normalising
  int64_t max_id() const;                                  // -1 without tokens

 private:
  const AddedToken* match(std::string_view text, size_t position) const;

  std::vector<AddedToken> tokens_;
  std::array<std::vector<size_t>, 256> by_first_byte_;  // each sorted by content, without twins
  std::unordered_map<int64_t, size_t> by_id_;
  std::unordered_map<std::string, size_t> by_name_;
};

}  // namespace reasonbrain::text
