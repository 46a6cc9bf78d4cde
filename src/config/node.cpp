#include "config/node.h"

#include <map>
#include <string_view>

#include "core/str.h"

namespace reasonbrain::config {

std::string Origin::text() const {
  return line > 0 ? str(file, ":", line) : file;
}

const Node* Node::find(const std::string& key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

void merge(Node& base, const Node& over) {
  if (base.kind != Node::Kind::kMapping || over.kind != Node::Kind::kMapping) {
    base = over;
    return;
  }
  std::map<std::string_view, const Node*> rest;
  for (const auto& [key, value] : over.entries) rest.emplace(key, &value);
  for (auto& [key, value] : base.entries) {
    const auto found = rest.find(key);
    if (found == rest.end()) continue;
    merge(value, *found->second);
    rest.erase(found);
  }
  for (const auto& [key, value] : over.entries) {
    if (rest.contains(key)) base.entries.emplace_back(key, value);
  }
}

}  // namespace reasonbrain::config
