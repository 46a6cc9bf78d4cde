#include "data/json_fields.h"

#include "core/str.h"
#include "io/quote.h"

namespace reasonbrain::data {
namespace {

using nlohmann::json;

constexpr size_t kMaxQuotedBytes = 80;

}  // namespace

JsonFields::JsonFields(json object, std::string origin)
    : object_(std::move(object)), origin_(std::move(origin)) {}

Error JsonFields::error(const std::string& problem) const {
  return data_error(str(origin_, ": ", problem));
}

Error JsonFields::wrong(const char* name, const json& value, const std::string& expected) const {
  const std::string got =
      io::shortened(value.dump(-1, ' ', /*ensure_ascii=*/true), kMaxQuotedBytes);
  return error(
      str("field '", name, "' is ", value.is_null() ? "missing" : got, ", expected ", expected));
}

const json& JsonFields::peek(const char* name) const {
  static const json absent;
  const auto found = object_.find(name);
  return found == object_.end() ? absent : *found;
}

json JsonFields::take(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end()) return nullptr;
  json value = std::move(*found);
  object_.erase(found);
  return value;
}

std::string JsonFields::take_string(const char* name) {
  const json value = take(name);
  if (value.is_null()) return "";
  if (!value.is_string()) throw wrong(name, value, "a string");
  return value.get<std::string>();
}

std::string JsonFields::required_string(const char* name) {
  const json value = take(name);
  if (!value.is_string() || trim(value.get_ref<const std::string&>()).empty()) {
    throw wrong(name, value, "a string that is not empty");
  }
  return value.get<std::string>();
}

std::string JsonFields::take_path(const char* name) {
  const std::string path = take_string(name);
  bool inside = path.find('\0') == std::string::npos && !std::filesystem::path(path).is_absolute();
  for (const auto& part : std::filesystem::path(path)) inside = inside && part != "..";
  if (!inside) {
    throw wrong(name, json(path), "a path relative to the file, without '..'");
  }
  return path;
}

std::string JsonFields::required_path(const char* name) {
  const std::string path = take_path(name);
  if (path.empty()) throw wrong(name, nullptr, "a path relative to the file");
  return path;
}

int JsonFields::required_int(const char* name, int min, int max) {
  const json value = take(name);
  if (!value.is_number_integer() || value < min || value > max) {
    throw wrong(name, value, str("a whole number from ", min, " to ", max));
  }
  return value.get<int>();
}

std::vector<int> JsonFields::take_ints(const char* name, int min, int max) {
  const json list = take(name);
  if (list.is_null()) return {};
  if (!list.is_array()) throw wrong(name, list, "a list of whole numbers");
  std::vector<int> values;
  for (const json& value : list) {
    if (!value.is_number_integer() || value < min || value > max) {
      throw wrong(name, value, str("whole numbers from ", min, " to ", max));
    }
    values.push_back(value.get<int>());
  }
  return values;
}

void JsonFields::take_objects(const char* name, const std::function<void(JsonFields&)>& visit) {
  const json list = take(name);
  if (list.is_null()) return;
  if (!list.is_array()) throw wrong(name, list, "a list of objects");
  for (const json& item : list) {
    if (!item.is_object()) throw wrong(name, item, "a list of objects");
    JsonFields fields(item, str(origin_, ": in '", name, "'"));
    visit(fields);
  }
}

std::vector<std::string> JsonFields::strings(const json& value, const char* name) const {
  if (value.is_null()) return {};
  if (!value.is_array()) throw wrong(name, value, "a list of strings");
  std::vector<std::string> out;
  for (const json& item : value) {
    if (!item.is_string()) throw wrong(name, item, "a list of strings");
    out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace reasonbrain::data
