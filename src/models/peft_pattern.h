// rank_pattern and alpha_pattern of PEFT's LoraConfig: a number for the layers that a regular
// expression names.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <regex>
#include <string>
#include <vector>

namespace reasonbrain::models {

class LayerPatterns {
 public:
  LayerPatterns() = default;  // none

  // The field `name` of a configuration, none where it is absent or null. Error(kData), beginning
  // with `origin`, for another type and for a pattern that is no regular expression or longer than
  // 1000 bytes. Takes no more than polynomial time, whatever the patterns are.
  LayerPatterns(const nlohmann::ordered_json& config, const std::string& name,
                const std::string& origin);

  // The value of the first pattern that is, as a regular expression, the end of `layer` (at a dot).
  double of(const std::string& layer, double otherwise) const;

 private:
  struct Pattern {
    std::string text;
    std::regex compiled;
    bool is_plain;  // nothing special but "." and a "^" before it; compared without `compiled`
    double value;
    bool fits(const std::string& layer) const;
  };
  std::vector<Pattern> patterns_;
};

// JSON with the order of its keys: the first pattern that fits decides. Error(kData) as
// io::parse_json, and for an object of more than 10000 keys, which would take quadratic time.
nlohmann::ordered_json parse_ordered(const std::string& text, const std::string& origin);

// For this layer alone, not for others whose names end with it.
std::string exact_pattern(const std::string& layer);

}  // namespace reasonbrain::models
