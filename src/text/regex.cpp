#include "text/regex.h"

#include <unicode/uregex.h>
#include <unicode/utext.h>

#include <cstdio>

#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "text/unicode_newer.h"

namespace reasonbrain::text {
namespace {

constexpr size_t kMaxPatternBytes = 10'000;
constexpr int32_t kMaxStackBytes = 64 << 20;

// In ICU's units of 10000 states, milliseconds or so: what a short text may take, and how many
// bytes of a longer one add a step. Ordinary patterns take some 10 states a byte, these are 100.
constexpr int32_t kMinSteps = 500;
constexpr size_t kBytesPerStep = 100;

// Oniguruma's "." stops at line feeds only, and its ^ and $ stand at every line.
constexpr uint32_t kFlags = UREGEX_UNIX_LINES | UREGEX_MULTILINE;

// What ICU's \p{L} or \p{N} lacks, for a set.
template <size_t kSize>
std::string set_of(const CodeRange (&ranges)[kSize]) {
  std::string out;
  for (const CodeRange& range : ranges) {
    char spelt[32];
    std::snprintf(spelt, sizeof spelt, "\\x{%X}-\\x{%X}", static_cast<unsigned>(range.first),
                  static_cast<unsigned>(range.last));
    out += spelt;
  }
  return out;
}

const std::string& letters() {
  static const std::string set = "\\p{L}" + set_of(kNewerLetters);
  return set;
}

const std::string& numbers() {
  static const std::string set = "\\p{N}" + set_of(kNewerNumbers);
  return set;
}

// ICU reads \s and \w differently from Oniguruma, without vertical tab and with joiners, and \h as
// a space. Its \p{L} and \p{N} are older; a set may stand inside brackets, too.
std::string to_icu(const std::string& pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      out.push_back(pattern[i]);
      continue;
    }
    const char next = pattern[++i];
    if (next == 's') {
      out += "\\p{White_Space}";
    } else if (next == 'S') {
      out += "\\P{White_Space}";
    } else if (next == 'w') {
      out += "[" + letters() + numbers() + "\\p{M}\\p{Pc}]";
    } else if (next == 'W') {
      out += "[^" + letters() + numbers() + "\\p{M}\\p{Pc}]";
    } else if (next == 'h') {
      out += "[0-9a-fA-F]";
    } else if (next == 'H') {
      out += "[^0-9a-fA-F]";
    } else if (const std::string name = pattern.substr(i + 1, 3);
               (next == 'p' || next == 'P') && (name == "{L}" || name == "{N}")) {
      out += (next == 'p' ? "[" : "[^") + (name == "{L}" ? letters() : numbers()) + "]";
      i += name.size();
    } else {
      out.push_back('\\');
      out.push_back(next);
    }
  }
  return out;
}

struct CloseRegex {
  void operator()(URegularExpression* regex) const { uregex_close(regex); }
};
using Handle = std::unique_ptr<URegularExpression, CloseRegex>;

struct CloseText {
  void operator()(UText* text) const { utext_close(text); }
};

}  // namespace

struct Regex::Impl {
  Handle regex;
  std::string pattern;  // for messages
};

Regex::Regex(const std::string& pattern, const std::string& origin) {
  if (pattern.size() > kMaxPatternBytes) {
    throw data_error(str(origin, ": a regular expression of ", pattern.size(), " bytes; at most ",
                         kMaxPatternBytes));
  }
  const std::string translated = to_icu(pattern);
  UErrorCode status = U_ZERO_ERROR;
  UParseError where;
  const std::unique_ptr<UText, CloseText> text(
      utext_openUTF8(nullptr, translated.data(), static_cast<int64_t>(translated.size()), &status));
  auto impl = std::make_shared<Impl>();
  impl->regex.reset(uregex_openUText(text.get(), kFlags, &where, &status));
  impl->pattern = pattern;
  if (U_FAILURE(status)) {
    throw data_error(str(origin, ": the regular expression '", io::shortened(pattern),
                         "' is not understood: ", u_errorName(status)));
  }
  impl_ = std::move(impl);
}

std::vector<std::pair<size_t, size_t>> Regex::find_all(std::string_view text) const {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UText, CloseText> input(
      utext_openUTF8(nullptr, text.data(), static_cast<int64_t>(text.size()), &status));
  const Handle own(uregex_clone(impl_->regex.get(), &status));
  // A clone starts without the limits of what it was made of.
  if (U_SUCCESS(status)) uregex_setStackLimit(own.get(), kMaxStackBytes, &status);
  const auto max_steps = kMinSteps + static_cast<int32_t>(text.size() / kBytesPerStep);
  if (U_SUCCESS(status)) uregex_setTimeLimit(own.get(), max_steps, &status);
  if (U_SUCCESS(status)) uregex_setUText(own.get(), input.get(), &status);
  std::vector<std::pair<size_t, size_t>> matches;
  while (U_SUCCESS(status) && uregex_findNext(own.get(), &status) != 0 && U_SUCCESS(status)) {
    const int64_t begin = uregex_start64(own.get(), 0, &status);
    const int64_t end = uregex_end64(own.get(), 0, &status);
    if (U_SUCCESS(status) && end > begin) {
      matches.emplace_back(static_cast<size_t>(begin), static_cast<size_t>(end));
    }
  }
  if (U_FAILURE(status)) {
    throw data_error(str("the regular expression '", io::shortened(impl_->pattern),
                         "' fails on a text of ", text.size(), " bytes: ", u_errorName(status)));
  }
  return matches;
}

}  // namespace reasonbrain::text
