#include "text/step_fields.h"

#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::text {

using nlohmann::json;

std::string step_type(const json& step, const std::string& origin) {
  if (!step.is_object()) {
    throw data_error(str(origin, ": a step is ", io::shortened(step.dump()),
                         "; expected an object with 'type'"));
  }
  return text_field(step, "type", origin);
}

std::string text_field(const json& step, const char* name, const std::string& origin) {
  const auto found = step.find(name);
  if (found == step.end() || !found->is_string()) {
    throw data_error(str(origin, ": '", name, "' must be a string"));
  }
  return found->get<std::string>();
}

bool flag_field(const json& step, const char* name, bool otherwise, const std::string& origin) {
  const auto found = step.find(name);
  if (found == step.end() || found->is_null()) return otherwise;
  if (!found->is_boolean()) {
    throw data_error(str(origin, ": '", name, "' must be true or false"));
  }
  return found->get<bool>();
}

const json& list_field(const json& step, const char* name, const std::string& origin) {
  const auto found = step.find(name);
  if (found == step.end() || !found->is_array()) {
    throw data_error(str(origin, ": '", name, "' must be a list"));
  }
  return *found;
}

Finder pattern_field(const json& step, const std::string& origin) {
  const auto found = step.find("pattern");
  if (found != step.end() && found->is_object() && found->contains("Regex")) {
    return [regex = Regex(text_field(*found, "Regex", origin), origin)](std::string_view text) {
      return regex.find_all(text);
    };
  }
  if (found == step.end() || !found->is_object()) {
    throw data_error(str(origin, ": 'pattern' must be an object with 'String' or 'Regex'"));
  }
  return [needle = text_field(*found, "String", origin)](std::string_view text) {
    std::vector<std::pair<size_t, size_t>> matches;
    if (needle.empty()) return matches;
    for (size_t at = text.find(needle); at != std::string_view::npos;
         at = text.find(needle, at + needle.size())) {
      matches.emplace_back(at, at + needle.size());
    }
    return matches;
  };
}

std::string replace_all(std::string_view text, const Finder& find, const std::string& content) {
  std::string out;
  size_t done = 0;
  for (const auto& [begin, end] : find(text)) {
    out.append(text.substr(done, begin - done));
    out += content;
    done = end;
  }
  out.append(text.substr(done));
  return out;
}

std::string prepend_scheme(const json& step, const std::string& origin) {
  const auto found = step.find("prepend_scheme");
  if (found == step.end() || found->is_null()) {
    return flag_field(step, "add_prefix_space", true, origin) ? "always" : "never";
  }
  const std::string scheme = text_field(step, "prepend_scheme", origin);
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    throw data_error(str(origin, ": prepend_scheme '", io::shortened(scheme),
                         "' is not supported; expected always, first or never"));
  }
  return scheme;
}

}  // namespace reasonbrain::text
