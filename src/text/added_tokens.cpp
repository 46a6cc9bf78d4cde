#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

// At most one code point before or behind a position decides; four bytes hold it.
bool touches_word(std::string_view text, size_t begin, size_t end) {
  const std::u32string before =
      decode_utf8(text.substr(begin < 4 ? 0 : begin - 4, begin < 4 ? begin : 4));
  const std::u32string behind = decode_utf8(text.substr(end, 4));
  return (!before.empty() && is_word(before.back())) ||
         (!behind.empty() && is_word(behind.front()));
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens,
                         const std::function<std::string(const std::string&)>& normalize)
    : tokens_(std::move(tokens)) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    std::string& content = tokens_[i].content;
    by_name_.emplace(content, i);
    by_id_.emplace(tokens_[i].id, i);
    if (normalize) content = normalize(content);
    if (!content.empty()) by_first_byte_[static_cast<uint8_t>(content[0])].push_back(i);
  }
  for (std::vector<size_t>& bucket : by_first_byte_) {
    const auto content = [&](size_t i) -> const std::string& { return tokens_[i].content; };
    std::ranges::stable_sort(bucket, {}, content);
    const auto twins = std::ranges::unique(bucket, {}, content);
    bucket.erase(twins.begin(), twins.end());
  }
}

const AddedToken* AddedTokens::match(std::string_view text, size_t position) const {
  const std::vector<size_t>& bucket = by_first_byte_[static_cast<uint8_t>(text[position])];
  const AddedToken* longest = nullptr;
  auto first = bucket.begin(), last = bucket.end();  // those that begin with `length` bytes of text
  for (size_t length = 1; first != last; ++length) {
    if (tokens_[*first].content.size() == length) longest = &tokens_[*first++];
    if (position + length == text.size()) break;
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(tokens_[i].content[length]); };
    const auto same = std::ranges::equal_range(
        first, last, static_cast<uint8_t>(text[position + length]), {}, byte);
    first = same.begin();
    last = same.end();
  }
  return longest;
}

std::vector<Segment> AddedTokens::split(std::string_view text) const {
  std::vector<Segment> segments;
  size_t start = 0;
  for (size_t position = 0; position < text.size();) {
    const AddedToken* token = match(text, position);
    if (token == nullptr) {
      ++position;
      continue;
    }
    const size_t end = position + token->content.size();
    // The tokenizers library passes over a part of a word whole, whatever tokens it holds.
    if (token->single_word && touches_word(text, position, end)) {
      position = end;
      continue;
    }
    std::string_view before = text.substr(start, position - start);
    if (token->lstrip) before = strip_right(before);
    if (!before.empty()) segments.push_back({before, nullptr});
    segments.push_back({text.substr(position, end - position), token});
    position = end;
    if (token->rstrip) position = text.size() - strip_left(text.substr(position)).size();
    start = position;
  }
  if (start < text.size()) segments.push_back({text.substr(start), nullptr});
  return segments;
}

const AddedToken* AddedTokens::find(int64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto found = by_name_.find(std::string(content));
  return found == by_name_.end() ? nullptr : &tokens_[found->second];
}

int64_t AddedTokens::max_id() const {
  int64_t greatest = -1;
  for (const AddedToken& token : tokens_) greatest = std::max(greatest, token.id);
  return greatest;
}

}  // namespace reasonbrain::text
