#include "models/peft_pattern.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "io/json.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

constexpr size_t kMaxKeys = 10'000;
// std::regex recurses over an expression, and holds it with its counted repeats written out.
constexpr int64_t kMaxBytes = 1000;            // of one pattern
constexpr int64_t kMaxTotalBytes = 1'000'000;  // of all expressions
constexpr size_t kShownBytes = 60;

double written_out_bytes(const std::string& pattern) {
  static const std::regex kRepeat(R"(\{(\d{1,9})(?:,(\d{0,9}))?\})");
  double bytes = static_cast<double>(pattern.size());
  for (std::sregex_iterator it(pattern.begin(), pattern.end(), kRepeat), end; it != end; ++it) {
    const double least = std::strtod((*it)[1].str().c_str(), /*endptr=*/nullptr);
    const double most = std::strtod((*it)[2].str().c_str(), /*endptr=*/nullptr);
    bytes *= std::max({1.0, least, most});
  }
  return bytes;
}

bool is_plain(const std::string& pattern) {
  const size_t first = starts_with(pattern, "^") ? 1 : 0;
  return pattern.size() > first &&
         std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(first), pattern.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
}

// The usual expression backtracks, and needs exponential time for some patterns: "(a*)*b". This one
// has no back-references, and needs exponential time for look-aheads in look-aheads.
std::regex compile(const std::string& pattern) {
  if (pattern.find("(?=") != std::string::npos || pattern.find("(?!") != std::string::npos)
    throw std::regex_error(std::regex_constants::error_complexity);
  return std::regex("(.*\\.)?(" + pattern + ")",
                    std::regex::ECMAScript | std::regex_constants::__polynomial);
}

size_t largest_object(const nlohmann::json& value) {
  size_t largest = value.is_object() ? value.size() : 0;
  for (const nlohmann::json& item : value) {
    if (item.is_structured()) largest = std::max(largest, largest_object(item));
  }
  return largest;
}

}  // namespace

nlohmann::ordered_json parse_ordered(const std::string& text, const std::string& origin) {
  const size_t keys = largest_object(io::parse_json(text, origin));
  if (keys > kMaxKeys) {
    throw data_error(str(origin, ": an object holds ", keys, " keys; expected at most ", kMaxKeys));
  }
  return nlohmann::ordered_json::parse(text);
}

LayerPatterns::LayerPatterns(const nlohmann::ordered_json& config, const std::string& name,
                             const std::string& origin) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return;
  if (!found->is_object())
    throw data_error(str(origin, ": ", name, " is ", found->dump(), "; expected an object"));
  double total = 0;
  for (const auto& [text, value] : found->items()) {
    if (!value.is_number()) {
      throw data_error(
          str(origin, ": ", name, " of '", text, "' is ", value.dump(), "; expected a number"));
    }
    const bool plain = is_plain(text);
    const double bytes = written_out_bytes(text);
    total += plain ? 0 : bytes;
    if (bytes > static_cast<double>(kMaxBytes) || total > static_cast<double>(kMaxTotalBytes)) {
      throw data_error(str(origin, ": ", name, ": '", io::shortened(text, kShownBytes),
                           "' is too long; expected at most ", kMaxBytes,
                           " bytes with {n} written out, and ", kMaxTotalBytes, " in all"));
    }
    try {
      patterns_.push_back({text, plain ? std::regex() : compile(text), plain, value.get<double>()});
    } catch (const std::regex_error&) {
      throw data_error(str(origin, ": ", name, ": '", text,
                           "' is not a regular expression that is understood here; look-aheads and "
                           "back-references are not supported"));
    }
  }
}

bool LayerPatterns::Pattern::fits(const std::string& layer) const {
  if (!is_plain) return std::regex_match(layer, compiled);
  const bool from_start = starts_with(text, "^");
  const std::string_view own = std::string_view(text).substr(from_start ? 1 : 0);
  if (own.size() > layer.size()) return false;
  const size_t at = layer.size() - own.size();
  if (at > 0 && (from_start || layer[at - 1] != '.')) return false;
  return std::equal(own.begin(), own.end(), layer.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char of_pattern, char c) { return of_pattern == '.' || of_pattern == c; });
}

double LayerPatterns::of(const std::string& layer, double otherwise) const {
  const auto found = std::find_if(patterns_.begin(), patterns_.end(),
                                  [&](const Pattern& pattern) { return pattern.fits(layer); });
  return found == patterns_.end() ? otherwise : found->value;
}

std::string exact_pattern(const std::string& layer) {
  return "^" + layer;
}

}  // namespace reasonbrain::models
