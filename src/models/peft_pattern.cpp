#include "models/peft_pattern.h"

#include <regex>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {

nlohmann::ordered_json read_pattern(const nlohmann::ordered_json& config, const std::string& name,
                                    const std::string& origin) {
  const nlohmann::ordered_json pattern = config.value(name, nlohmann::ordered_json());
  if (pattern.is_null()) return nlohmann::ordered_json::object();
  if (!pattern.is_object())
    throw data_error(str(origin, ": ", name, " is ", pattern.dump(), "; expected an object"));
  for (const auto& [key, value] : pattern.items()) {
    if (!value.is_number()) {
      throw data_error(
          str(origin, ": ", name, " of '", key, "' is ", value.dump(), "; expected a number"));
    }
  }
  return pattern;
}

double by_pattern(const nlohmann::ordered_json& patterns, const std::string& layer,
                  double otherwise, const std::string& origin) {
  for (const auto& [pattern, value] : patterns.items()) {
    try {
      if (std::regex_match(layer, std::regex("(.*\\.)?(" + pattern + ")")))
        return value.get<double>();
    } catch (const std::regex_error&) {
      throw data_error(
          str(origin, ": '", pattern, "' is not a regular expression that is understood"));
    }
  }
  return otherwise;
}

std::string exact_pattern(const std::string& layer) {
  return "^" + layer;
}

}  // namespace reasonbrain::models
