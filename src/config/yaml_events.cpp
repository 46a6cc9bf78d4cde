#include "config/yaml_events.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::config {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxNodes = 200'000;
constexpr size_t kMaxMegabytes = 16;

Error error_at(const Node& node, const std::string& problem) {
  return config_error(node.origin.text() + ": " + problem);
}

}  // namespace

Node NodeBuilder::make(const YAML::Mark& mark, Node::Kind kind) const {
  Node node;
  node.kind = kind;
  node.origin = {file_, mark.line + 1};
  return node;
}

void NodeBuilder::count(const Node& node, Size& total, const Size& size) {
  total.nodes += size.nodes;
  total.bytes += size.bytes;
  if (in_tree_.nodes + in_anchors_.nodes > kMaxNodes ||
      in_tree_.bytes + in_anchors_.bytes > (kMaxMegabytes << 20)) {
    throw error_at(node, str("the document has more than ", kMaxNodes, " nodes or ", kMaxMegabytes,
                             " MB of text once its aliases are expanded; make it smaller"));
  }
}

void NodeBuilder::keep(const Node& node, YAML::anchor_t anchor, const Size& size) {
  if (anchor == 0) return;
  count(node, in_anchors_, size);
  anchors_[anchor] = {node, size};
}

void NodeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  OnScalar(mark, "?", anchor, "");
}

void NodeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  Node node = make(mark, Node::Kind::kScalar);
  node.scalar = value;
  node.quoted = tag == "!";  // yaml-cpp's mark of a quoted or block scalar
  if (!node.quoted && (value.empty() || value == "~" || value == "null")) {
    node.kind = Node::Kind::kNull;
    node.scalar.clear();
  }
  const Size size{1, value.size()};
  count(node, in_tree_, size);
  keep(node, anchor, size);
  add(std::move(node));
}

void NodeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    throw error_at(make(mark, Node::Kind::kNull), "an alias stands inside its own anchor");
  }
  count(make(mark, Node::Kind::kNull), in_tree_, found->second.size);
  add(found->second.node);
}

void NodeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
  open(make(mark, Node::Kind::kSequence), anchor);
}

void NodeBuilder::OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  open(make(mark, Node::Kind::kMapping), anchor);
}

void NodeBuilder::open(Node node, YAML::anchor_t anchor) {
  const Size start = in_tree_;
  count(node, in_tree_, {1, 0});
  if (stack_.size() >= kMaxDepth) {
    throw error_at(node, str("nested deeper than ", kMaxDepth, " levels"));
  }
  stack_.push_back({std::move(node), anchor, start});
}

void NodeBuilder::close() {
  Open done = std::move(stack_.back());
  stack_.pop_back();
  keep(done.node, done.anchor,
       {in_tree_.nodes - done.start.nodes, in_tree_.bytes - done.start.bytes});
  add(std::move(done.node));
}

void NodeBuilder::add(Node node) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = stack_.back();
  if (parent.node.kind == Node::Kind::kSequence) {
    parent.node.items.push_back(std::move(node));
  } else if (parent.has_key) {
    parent.node.entries.emplace_back(std::move(parent.key), std::move(node));
    parent.has_key = false;
  } else {
    if (node.kind != Node::Kind::kScalar) throw error_at(node, "a key must be plain text");
    if (!parent.keys.insert(node.scalar).second) {
      throw error_at(node, str("key '", node.scalar, "' stands twice in the same mapping"));
    }
    parent.key = std::move(node.scalar);
    parent.has_key = true;
  }
}

}  // namespace reasonbrain::config
