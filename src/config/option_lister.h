// The visitor that lists options as rows: for documentation, `config options` and `config diff`.
#pragma once

#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::config {

struct OptionRow {
  std::string path;   // "train.optim.lr"; items of a list of structs are NAME[0], NAME[1], ...
  std::string type;   // bool, int, float, string, list of ..., or the choices "epsilon | flow"
  std::string value;  // as YAML
  std::string unit, range, help;  // "" where there is none
};

struct OptionDifference {
  std::string path;
  std::string a, b;  // values as YAML; "(absent)" where only one side has the option
};

std::vector<OptionDifference> diff_rows(const std::vector<OptionRow>& a,
                                        const std::vector<OptionRow>& b);

class OptionLister : public OptionVisitor {
 public:
  // show_empty_lists: an empty list of structs is lengthened by one item so that its options show.
  explicit OptionLister(bool show_empty_lists) : show_empty_lists_(show_empty_lists) {}

  const std::vector<OptionRow>& rows() const { return rows_; }

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
  void add(const char* name, const std::string& type, const std::string& value,
           const OptionInfo& info);

  bool show_empty_lists_;
  std::vector<OptionRow> rows_;
  std::vector<std::string> prefixes_ = {""};  // of each open group, list and item
  std::vector<bool> lengthened_;              // per open list
};

}  // namespace reasonbrain::config
