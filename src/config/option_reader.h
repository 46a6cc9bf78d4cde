// The visitor that sets options from a configuration tree.
#pragma once

#include <string>
#include <vector>

#include "config/node.h"
#include "reasonbrain/describe.h"

namespace reasonbrain::config {

// All errors are Error(kConfig): unknown key, wrong type, NaN or infinity, out of range, no such
// choice.
class OptionReader : public OptionVisitor {
 public:
  explicit OptionReader(const Node& tree);  // a mapping or null; must outlive the reader

  void finish();  // refuses keys of the top level that no option has

  void field(const char* name, bool& value, const OptionInfo& info) override;
  void field(const char* name, int64_t& value, const OptionInfo& info) override;
  void field(const char* name, double& value, const OptionInfo& info) override;
  void field(const char* name, std::string& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<int64_t>& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<double>& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<std::string>& value, const OptionInfo& info) override;

 protected:
  void choice_index(const char* name, int& index, const std::vector<std::string>& names,
                    const OptionInfo& info) override;
  bool begin_group(const char* name, const OptionInfo& info) override;
  void end_group() override;
  int64_t begin_list(const char* name, int64_t count, const OptionInfo& info) override;
  bool begin_item(int64_t index) override;
  void end_list() override;

 private:
  struct Level {
    const Node* node;               // mapping (or sequence, for a list)
    std::string path;               // "" or "train.optim."
    std::vector<std::string> keys;  // options seen at this level, for the nearest match
  };

  const Node* take(
      const char* name);  // the node of an option, nullptr when the tree does not set it
  std::string path_of(const char* name) const { return levels_.back().path + name; }
  void check_unknown(const Level& level) const;

  std::vector<Level> levels_;
};

}  // namespace reasonbrain::config
