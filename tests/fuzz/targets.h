// Parsers of untrusted bytes, as functions of bytes. A target returns for every input: it accepts
// it, or the parser throws reasonbrain::Error, which the target swallows. Anything else is a bug.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::fuzz {

struct Target {
  std::string name;  // also of its folder in tests/fuzz/corpus
  std::function<void(std::string_view bytes)> run;
};

const std::vector<Target>& targets();

}  // namespace reasonbrain::fuzz
