// The regular expressions of tokenizer.json, through ICU.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reasonbrain::text {

// Safe to use from several threads.
class Regex {
 public:
  // The syntax of Oniguruma as far as ICU shares it; \s, \w, \h, ".", ^ and $ as Oniguruma means
  // them.
  // Error(kData) beginning with `origin` for a pattern that is not understood.
  Regex(const std::string& pattern, const std::string& origin);

  // The matches that are not empty, leftmost first, as [begin, end) in bytes of well-formed UTF-8.
  // Error(kData) when matching takes too much time or memory.
  std::vector<std::pair<size_t, size_t>> find_all(std::string_view text) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace reasonbrain::text
