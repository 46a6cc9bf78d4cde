// Builds a Node from the events of yaml-cpp's parser. Only yaml.cpp includes this.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/node.h"

namespace reasonbrain::config {

class NodeBuilder : public YAML::EventHandler {
 public:
  explicit NodeBuilder(std::string file) : file_(std::move(file)) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  struct Size {
    size_t nodes, bytes;  // bytes of scalars and keys
  };
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    Size start;            // what was counted before it
    bool has_key = false;  // mapping: `key` waits for its value
    std::string key;
    std::set<std::string> keys;  // mapping: all so far
  };
  struct Anchored {
    Node node;
    Size size;
  };

  Node make(const YAML::Mark& mark, Node::Kind kind) const;
  void open(Node node, YAML::anchor_t anchor);
  void close();
  void add(Node node);
  void keep(const Node& node, YAML::anchor_t anchor, const Size& size);  // for aliases
  void count(const Node& node, Size& total, const Size& size);           // against the budget

  std::string file_;
  Node root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  Size in_tree_{}, in_anchors_{};
};

}  // namespace reasonbrain::config
