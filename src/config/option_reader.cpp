#include "config/option_reader.h"

#include <algorithm>

#include "config/scalar.h"
#include "core/option_text.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::config {
namespace {

Error value_error(const Node& node, const std::string& path, const std::string& expected) {
  std::string got;
  switch (node.kind) {
    case Node::Kind::kNull:
      got = "has no value";
      break;
    case Node::Kind::kScalar:
      got = node.quoted ? "is the text \"" + node.scalar + "\"" : "is '" + node.scalar + "'";
      break;
    case Node::Kind::kSequence:
      got = "is a list";
      break;
    case Node::Kind::kMapping:
      got = "is a group of keys";
      break;
  }
  return config_error(node.origin.text() + ": key '" + path + "' " + got + ", " + expected);
}

bool is_unquoted(const Node& node) {
  return node.kind == Node::Kind::kScalar && !node.quoted;
}

int64_t integer(const Node& node, const std::string& path, const OptionInfo& info) {
  const auto value = is_unquoted(node) ? parse_integer(node.scalar) : std::nullopt;
  const double checked =
      value ? static_cast<double>(*value) : std::numeric_limits<double>::quiet_NaN();
  const std::string problem = number_problem(checked, /*integer=*/true, info);
  if (!problem.empty()) throw value_error(node, path, problem);
  return value.value();
}

double number(const Node& node, const std::string& path, const OptionInfo& info) {
  const auto value = is_unquoted(node) ? parse_number(node.scalar) : std::nullopt;
  const double checked = value.value_or(std::numeric_limits<double>::quiet_NaN());
  const std::string problem = number_problem(checked, /*integer=*/false, info);
  if (!problem.empty()) throw value_error(node, path, problem);
  return checked;
}

std::string text(const Node& node, const std::string& path) {
  if (node.kind != Node::Kind::kScalar) throw value_error(node, path, "expected text");
  return node.scalar;
}

template <class T, class Parse>
std::vector<T> items(const Node& node, const std::string& path, Parse parse) {
  if (node.kind != Node::Kind::kSequence) {
    throw value_error(node, path, "expected a list such as [a, b]");
  }
  std::vector<T> values;
  for (size_t i = 0; i < node.items.size(); ++i) {
    values.push_back(parse(node.items[i], str(path, "[", i, "]")));
  }
  return values;
}

}  // namespace

OptionReader::OptionReader(const Node& tree) {
  if (tree.kind != Node::Kind::kMapping && tree.kind != Node::Kind::kNull) {
    throw config_error(tree.origin.text() + ": expected a group of keys");
  }
  levels_.push_back({&tree, "", {}});
}

void OptionReader::finish() {
  check_unknown(levels_.front());
}

const Node* OptionReader::take(const char* name) {
  levels_.back().keys.push_back(name);
  return levels_.back().node->find(name);
}

void OptionReader::check_unknown(const Level& level) const {
  for (const auto& [key, value] : level.node->entries) {
    if (std::find(level.keys.begin(), level.keys.end(), key) != level.keys.end()) continue;
    std::string message =
        str(value.origin.text(), ": key '", level.path, key, "' is not an option");
    const std::string nearest = nearest_match(key, level.keys);
    if (!nearest.empty()) message += ", nearest '" + level.path + nearest + "'";
    throw config_error(message);
  }
}

void OptionReader::field(const char* name, bool& value, const OptionInfo&) {
  const Node* node = take(name);
  if (node == nullptr) return;
  const auto parsed = is_unquoted(*node) ? parse_bool(node->scalar) : std::nullopt;
  if (!parsed) throw value_error(*node, path_of(name), "expected true or false");
  value = *parsed;
}

void OptionReader::field(const char* name, int64_t& value, const OptionInfo& info) {
  if (const Node* node = take(name)) value = integer(*node, path_of(name), info);
}

void OptionReader::field(const char* name, double& value, const OptionInfo& info) {
  if (const Node* node = take(name)) value = number(*node, path_of(name), info);
}

void OptionReader::field(const char* name, std::string& value, const OptionInfo&) {
  if (const Node* node = take(name)) value = text(*node, path_of(name));
}

void OptionReader::field(const char* name, std::vector<int64_t>& value, const OptionInfo& info) {
  const Node* node = take(name);
  if (node == nullptr) return;
  value = items<int64_t>(*node, path_of(name), [&](const Node& item, const std::string& path) {
    return integer(item, path, info);
  });
}

void OptionReader::field(const char* name, std::vector<double>& value, const OptionInfo& info) {
  const Node* node = take(name);
  if (node == nullptr) return;
  value = items<double>(*node, path_of(name), [&](const Node& item, const std::string& path) {
    return number(item, path, info);
  });
}

void OptionReader::field(const char* name, std::vector<std::string>& value, const OptionInfo&) {
  if (const Node* node = take(name)) value = items<std::string>(*node, path_of(name), text);
}

void OptionReader::choice_index(const char* name, int& index, const std::vector<std::string>& names,
                                const OptionInfo&) {
  const Node* node = take(name);
  if (node == nullptr) return;
  const int position =
      node->kind == Node::Kind::kScalar ? choice_position(node->scalar, names) : -1;
  if (position < 0) throw value_error(*node, path_of(name), "expected one of " + join(names, ", "));
  index = position;
}

bool OptionReader::begin_group(const char* name, const OptionInfo&) {
  const Node* node = take(name);
  if (node == nullptr || node->kind == Node::Kind::kNull) return false;
  if (node->kind != Node::Kind::kMapping) {
    throw value_error(*node, path_of(name), "expected a group of keys");
  }
  levels_.push_back({node, path_of(name) + ".", {}});
  return true;
}

void OptionReader::end_group() {
  check_unknown(levels_.back());
  levels_.pop_back();
}

int64_t OptionReader::begin_list(const char* name, int64_t count, const OptionInfo&) {
  const Node* node = take(name);
  if (node != nullptr && node->kind != Node::Kind::kSequence) {
    throw value_error(*node, path_of(name), "expected a list of groups of keys");
  }
  levels_.push_back({node, path_of(name), {}});
  return node == nullptr ? count : static_cast<int64_t>(node->items.size());
}

bool OptionReader::begin_item(int64_t index) {
  const Level& list = levels_.back();
  if (list.node == nullptr) return false;  // the present items stay
  const Node& item = list.node->items[static_cast<size_t>(index)];
  const std::string path = str(list.path, "[", index, "]");
  if (item.kind != Node::Kind::kMapping) {
    throw value_error(item, path, "expected a group of keys");
  }
  levels_.push_back({&item, path + ".", {}});
  return true;
}

void OptionReader::end_list() {
  levels_.pop_back();
}

}  // namespace reasonbrain::config
