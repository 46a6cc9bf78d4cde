// The visitor that writes options as YAML.
#pragma once

#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::config {

class OptionWriter : public OptionVisitor {
 public:
  explicit OptionWriter(bool with_help) : with_help_(with_help) {}

  const std::string& text() const { return text_; }

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
  void line(const char* name, const std::string& value, const OptionInfo& info);
  void comment(const OptionInfo& info);
  std::string indent();  // of the next line; the first line of a list item gets the dash

  bool with_help_;
  std::string text_;
  int depth_ = 0;  // levels of mappings and list items around the next line
  bool first_of_item_ = false;
};

}  // namespace reasonbrain::config
