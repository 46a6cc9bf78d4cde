#include "text/charsmap.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <algorithm>
#include <memory>

#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

constexpr size_t kMaxGraphemeBytes = 6;  // longer ones are looked up code point by code point

std::string decode_base64(std::string_view text, const std::string& origin) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    uint32_t value;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      throw data_error(str(origin, ": precompiled_charsmap is not base64"));
    }
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xFF));
    }
  }
  return out;
}

uint32_t read_u32(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return value;
}

// Fields of a unit of darts-clone's double array.
bool has_leaf(uint32_t unit) {
  return ((unit >> 8) & 1) != 0;
}
uint32_t value_of(uint32_t unit) {
  return unit & 0x7FFFFFFF;
}
uint32_t label_of(uint32_t unit) {
  return unit & (0x80000000u | 0xFF);
}
uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

// Goes every way through a double array once, as commonPrefixSearch() of darts-clone would.
class WayCheck {
 public:
  // The array's values are positions in a text of `num_bytes` bytes.
  WayCheck(const std::vector<uint32_t>& trie, size_t num_bytes)
      : trie_(trie), num_bytes_(num_bytes), rules_(trie.size(), kNew) {}

  bool passes() { return most_rules(offset_of(trie_[0]), 0) != kBroken; }

 private:
  static constexpr int kNew = -2, kBroken = -1;
  static constexpr int kMaxRules = 32;     // Normalizer::kMaxTrieResultsSize
  static constexpr int kMaxLength = 1000;  // of a rule in bytes, so that the stack suffices

  // How many rules may end on one way down from the children at `base`, or kBroken.
  int most_rules(size_t base, int length) {
    if ((base | 0xFF) >= trie_.size() || length > kMaxLength) return kBroken;
    if (rules_[base] != kNew) return rules_[base];
    rules_[base] = kBroken;  // for a way that comes back here
    int most = 0;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t unit = trie_[base ^ byte];
      if (label_of(unit) != byte) continue;
      const size_t next = base ^ byte ^ offset_of(unit);
      const int rules = most_rules(next, length + 1);
      if (rules == kBroken || (has_leaf(unit) && value_of(trie_[next]) >= num_bytes_)) {
        return kBroken;
      }
      most = std::max(most, rules + (has_leaf(unit) ? 1 : 0));
    }
    if (most <= kMaxRules) rules_[base] = static_cast<int8_t>(most);
    return rules_[base];
  }

  const std::vector<uint32_t>& trie_;
  size_t num_bytes_;
  std::vector<int8_t> rules_;  // by base
};

struct CloseBreaks {
  void operator()(UBreakIterator* breaks) const { ubrk_close(breaks); }
};
struct CloseText {
  void operator()(UText* text) const { utext_close(text); }
};

// Ends of the graphemes of well-formed UTF-8, in bytes.
std::vector<size_t> grapheme_ends(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UText, CloseText> input(
      utext_openUTF8(nullptr, text.data(), static_cast<int64_t>(text.size()), &status));
  const std::unique_ptr<UBreakIterator, CloseBreaks> breaks(
      ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &status));
  if (U_SUCCESS(status)) ubrk_setUText(breaks.get(), input.get(), &status);
  if (U_FAILURE(status)) throw runtime_error(str("ICU: graphemes failed: ", u_errorName(status)));
  std::vector<size_t> ends;
  for (int32_t end = ubrk_next(breaks.get()); end != UBRK_DONE; end = ubrk_next(breaks.get())) {
    ends.push_back(static_cast<size_t>(end));
  }
  return ends;
}

}  // namespace

Charsmap::Charsmap(std::string_view base64, const std::string& origin) {
  parse(decode_base64(base64, origin), origin);
}

void Charsmap::parse(const std::string& bytes, const std::string& origin) {
  if (bytes.empty()) return;
  const uint64_t trie_bytes = bytes.size() < 4 ? 0 : read_u32(bytes, 0);
  if (trie_bytes == 0 || trie_bytes % 4 != 0 || 4 + trie_bytes > bytes.size()) {
    throw data_error(str(origin, ": precompiled_charsmap is damaged: its table of ", trie_bytes,
                         " bytes does not fit into ", bytes.size()));
  }
  for (size_t at = 4; at < 4 + trie_bytes; at += 4) trie_.push_back(read_u32(bytes, at));
  replacements_ = bytes.substr(4 + trie_bytes);
  replacements_.push_back('\0');
}

void Charsmap::check(const std::string& bytes, const std::string& origin) {
  Charsmap map;
  map.parse(bytes, origin);
  if (map.trie_.empty() || WayCheck(map.trie_, map.replacements_.size() - 1).passes()) return;
  throw data_error(str(origin, ": precompiled_charsmap is damaged: its table leads out of itself; ",
                       "get the file again"));
}

const char* Charsmap::find(std::string_view chunk) const {
  if (trie_.empty()) return nullptr;
  uint64_t node = offset_of(trie_[0]);
  for (const char c : chunk) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte == 0) return nullptr;
    node ^= byte;
    if (node >= trie_.size() || label_of(trie_[node]) != byte) return nullptr;
    const uint32_t unit = trie_[node];
    node ^= offset_of(unit);
    if (!has_leaf(unit)) continue;
    if (node >= trie_.size() || value_of(trie_[node]) >= replacements_.size()) return nullptr;
    return replacements_.data() + value_of(trie_[node]);
  }
  return nullptr;
}

std::string Charsmap::operator()(std::string_view text) const {
  std::string out;
  size_t begin = 0;
  for (const size_t end : grapheme_ends(text)) {
    const std::string_view grapheme = text.substr(begin, end - begin);
    begin = end;
    const char* whole = grapheme.size() < kMaxGraphemeBytes ? find(grapheme) : nullptr;
    if (whole != nullptr) {
      out += whole;
      continue;
    }
    for (const char32_t c : decode_utf8(grapheme)) {
      std::string one;
      append_utf8(c, one);
      const char* part = find(one);
      out += part == nullptr ? one : std::string(part);
    }
  }
  return replace_invalid_utf8(out);  // a damaged map may point into the middle of a code point
}

}  // namespace reasonbrain::text
