// rank_pattern and alpha_pattern of PEFT's LoraConfig: a number for the layers that a regular
// expression names.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reasonbrain::models {

// The field `name` of a configuration, {} where it is absent or null. The first pattern that fits
// decides, so their order is kept. Error(kData), beginning with `origin`, for another type.
nlohmann::ordered_json read_pattern(const nlohmann::ordered_json& config, const std::string& name,
                                    const std::string& origin);

// The value of the first pattern that is, as a regular expression, the end of `layer` (at a dot).
// Error(kData) for one that is none.
double by_pattern(const nlohmann::ordered_json& patterns, const std::string& layer,
                  double otherwise, const std::string& origin);

// For this layer alone, not for others whose names end with it.
std::string exact_pattern(const std::string& layer);

}  // namespace reasonbrain::models
