#include "io/json_options.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/option_text.h"
#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

std::string quoted(const nlohmann::json& value) {
  constexpr size_t kMaxBytes = 60;
  return shortened(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), kMaxBytes);
}

}  // namespace

JsonOptionReader::JsonOptionReader(const nlohmann::json& object, std::string origin,
                                   JsonPolicy policy)
    : origin_(std::move(origin)), policy_(policy) {
  if (!object.is_object()) throw data_error(origin_ + ": expected a JSON object");
  levels_.push_back({&object, "", {}});
}

void JsonOptionReader::finish() {
  check_unknown(levels_.front());
}

const nlohmann::json* JsonOptionReader::take(const char* name) {
  Level& level = levels_.back();
  level.keys.push_back(name);
  const auto found = level.node->find(name);
  return found == level.node->end() || found->is_null() ? nullptr : &*found;
}

const nlohmann::json* JsonOptionReader::take_array(const char* name) {
  const nlohmann::json* node = take(name);
  if (node != nullptr && !node->is_array())
    fail(levels_.back().path + name, *node, "expected a list");
  return node;
}

void JsonOptionReader::check_unknown(const Level& level) const {
  if (policy_.ignore_unknown) return;
  for (const auto& entry : level.node->items()) {
    if (std::find(level.keys.begin(), level.keys.end(), entry.key()) != level.keys.end()) continue;
    std::string message = str(origin_, ": key '", level.path, entry.key(), "' is not an option");
    const std::string nearest = nearest_match(entry.key(), level.keys);
    if (!nearest.empty()) message += ", nearest '" + level.path + nearest + "'";
    throw data_error(message);
  }
}

void JsonOptionReader::fail(const std::string& path, const nlohmann::json& got,
                            const std::string& problem) const {
  throw data_error(str(origin_, ": key '", path, "' is ", quoted(got), ", ", problem));
}

int64_t JsonOptionReader::integer(const std::string& path, const nlohmann::json& got,
                                  const OptionInfo& info) const {
  const double value =
      got.is_number_integer() ? got.get<double>() : std::numeric_limits<double>::quiet_NaN();
  const std::string problem = number_problem(value, /*integer=*/true, info);
  if (!problem.empty()) fail(path, got, problem);
  const bool fits =
      !got.is_number_unsigned() ||
      got.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!fits) fail(path, got, "expected an integer of 64 bits");
  return got.get<int64_t>();
}

double JsonOptionReader::number(const std::string& path, const nlohmann::json& got,
                                const OptionInfo& info) const {
  const double value =
      got.is_number() ? got.get<double>() : std::numeric_limits<double>::quiet_NaN();
  const std::string problem = number_problem(value, /*integer=*/false, info);
  if (!problem.empty()) fail(path, got, problem);
  return value;
}

void JsonOptionReader::field(const char* name, bool& value, const OptionInfo&) {
  const nlohmann::json* node = take(name);
  if (node == nullptr) return;
  if (!node->is_boolean()) fail(levels_.back().path + name, *node, "expected true or false");
  value = node->get<bool>();
}

void JsonOptionReader::field(const char* name, int64_t& value, const OptionInfo& info) {
  if (const auto* node = take(name)) value = integer(levels_.back().path + name, *node, info);
}

void JsonOptionReader::field(const char* name, double& value, const OptionInfo& info) {
  if (const auto* node = take(name)) value = number(levels_.back().path + name, *node, info);
}

void JsonOptionReader::field(const char* name, std::string& value, const OptionInfo&) {
  const nlohmann::json* node = take(name);
  if (node == nullptr) return;
  if (!node->is_string()) fail(levels_.back().path + name, *node, "expected text");
  value = node->get<std::string>();
}

void JsonOptionReader::field(const char* name, std::vector<int64_t>& value,
                             const OptionInfo& info) {
  const nlohmann::json* node = take_array(name);
  if (node == nullptr) return;
  value.clear();
  for (const auto& item : *node) value.push_back(integer(levels_.back().path + name, item, info));
}

void JsonOptionReader::field(const char* name, std::vector<double>& value, const OptionInfo& info) {
  const nlohmann::json* node = take_array(name);
  if (node == nullptr) return;
  value.clear();
  for (const auto& item : *node) value.push_back(number(levels_.back().path + name, item, info));
}

void JsonOptionReader::field(const char* name, std::vector<std::string>& value, const OptionInfo&) {
  const nlohmann::json* node = take_array(name);
  if (node == nullptr) return;
  value.clear();
  for (const auto& item : *node) {
    if (!item.is_string()) fail(levels_.back().path + name, item, "expected text");
    value.push_back(item.get<std::string>());
  }
}

void JsonOptionReader::choice_index(const char* name, int& index,
                                    const std::vector<std::string>& names, const OptionInfo&) {
  const nlohmann::json* node = take(name);
  if (node == nullptr) return;
  const int position = node->is_string() ? choice_position(node->get<std::string>(), names) : -1;
  if (position < 0) {
    fail(levels_.back().path + name, *node, "expected one of " + join(names, ", "));
  }
  index = position;
}

bool JsonOptionReader::begin_group(const char* name, const OptionInfo&) {
  const nlohmann::json* node = take(name);
  if (node == nullptr) return false;
  if (!node->is_object()) fail(levels_.back().path + name, *node, "expected an object");
  levels_.push_back({node, levels_.back().path + name + ".", {}});
  return true;
}

void JsonOptionReader::end_group() {
  check_unknown(levels_.back());
  levels_.pop_back();
}

int64_t JsonOptionReader::begin_list(const char* name, int64_t count, const OptionInfo&) {
  const nlohmann::json* node = take_array(name);
  levels_.push_back({node, levels_.back().path + name, {}});
  return node == nullptr ? count : static_cast<int64_t>(node->size());
}

bool JsonOptionReader::begin_item(int64_t index) {
  const Level& list = levels_.back();
  if (list.node == nullptr) return false;  // the present items stay
  const nlohmann::json& item = (*list.node)[static_cast<size_t>(index)];
  const std::string path = str(list.path, "[", index, "]");
  if (!item.is_object()) fail(path, item, "expected an object");
  levels_.push_back({&item, path + ".", {}});
  return true;
}

void JsonOptionReader::end_list() {
  levels_.pop_back();
}

void JsonOptionWriter::put(const std::string& name, nlohmann::json value) {
  nlohmann::json& parent = stack_.back();
  if (parent.is_array()) {
    parent.push_back(std::move(value));
  } else {
    parent[name] = std::move(value);
  }
}

void JsonOptionWriter::close() {
  nlohmann::json value = std::move(stack_.back());
  stack_.pop_back();
  put(names_.back(), std::move(value));
  names_.pop_back();
}

void JsonOptionWriter::field(const char* name, bool& value, const OptionInfo&) {
  put(name, value);
}
void JsonOptionWriter::field(const char* name, int64_t& value, const OptionInfo&) {
  put(name, value);
}
void JsonOptionWriter::field(const char* name, double& value, const OptionInfo&) {
  put(name, value);
}
void JsonOptionWriter::field(const char* name, std::string& value, const OptionInfo&) {
  put(name, value);
}
void JsonOptionWriter::field(const char* name, std::vector<int64_t>& value, const OptionInfo&) {
  put(name, value);
}
void JsonOptionWriter::field(const char* name, std::vector<double>& value, const OptionInfo&) {
  put(name, value);
}
void JsonOptionWriter::field(const char* name, std::vector<std::string>& value, const OptionInfo&) {
  put(name, value);
}

void JsonOptionWriter::choice_index(const char* name, int& index,
                                    const std::vector<std::string>& names, const OptionInfo&) {
  put(name, names[static_cast<size_t>(index)]);
}

bool JsonOptionWriter::begin_group(const char* name, const OptionInfo&) {
  stack_.push_back(nlohmann::json::object());
  names_.push_back(name);
  return true;
}

void JsonOptionWriter::end_group() {
  close();
}

int64_t JsonOptionWriter::begin_list(const char* name, int64_t count, const OptionInfo&) {
  stack_.push_back(nlohmann::json::array());
  names_.push_back(name);
  return count;
}

bool JsonOptionWriter::begin_item(int64_t) {
  stack_.push_back(nlohmann::json::object());
  names_.push_back("");
  return true;
}

void JsonOptionWriter::end_list() {
  close();
}

}  // namespace reasonbrain::io
