// A parsed YAML document as plain data; every node knows the file and line it came from.
#pragma once

#include <string>
#include <vector>

namespace reasonbrain::config {

struct Origin {
  std::string file;  // path as given, or "override 'a.b=1'"
  int line = 0;      // 1-based, 0 when the origin is not a file

  std::string text() const;  // "FILE:LINE" or just the file
};

struct Node {
  struct Entry;
  enum class Kind { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  std::string scalar;          // kScalar: the text without quotes
  bool quoted = false;         // kScalar: it was in quotes, so it is a string and never a number
  std::vector<Node> items;     // kSequence
  std::vector<Entry> entries;  // kMapping, in the order of the file
  Origin origin;

  const Node* find(const std::string& key) const;  // kMapping: the value, or nullptr
};

struct Node::Entry {
  std::string key;
  Node value;
};

// Lays `over` upon `base`: mappings are merged key by key, everything else is replaced.
void merge(Node& base, const Node& over);

}  // namespace reasonbrain::config
