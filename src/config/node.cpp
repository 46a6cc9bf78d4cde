#include "config/node.h"

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

Node* Node::find(const std::string& key) {
  return const_cast<Node*>(static_cast<const Node*>(this)->find(key));
}

void merge(Node& base, const Node& over) {
  if (base.kind != Node::Kind::kMapping || over.kind != Node::Kind::kMapping) {
    base = over;
    return;
  }
  for (const auto& [key, value] : over.entries) {
    if (Node* present = base.find(key)) {
      merge(*present, value);
    } else {
      base.entries.emplace_back(key, value);
    }
  }
}

}  // namespace reasonbrain::config
