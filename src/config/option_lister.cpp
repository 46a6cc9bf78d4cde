#include "config/option_lister.h"

#include <algorithm>

#include "config/scalar.h"
#include "core/option_text.h"
#include "core/str.h"

namespace reasonbrain::config {

std::vector<OptionDifference> diff_rows(const std::vector<OptionRow>& a,
                                        const std::vector<OptionRow>& b) {
  constexpr const char* kAbsent = "(absent)";
  const auto find = [](const std::vector<OptionRow>& rows, const std::string& path) {
    return std::find_if(rows.begin(), rows.end(),
                        [&](const auto& row) { return row.path == path; });
  };
  std::vector<OptionDifference> differences;
  for (const OptionRow& row : a) {
    const auto other = find(b, row.path);
    const std::string value = other == b.end() ? kAbsent : other->value;
    if (value != row.value) differences.push_back({row.path, row.value, value});
  }
  for (const OptionRow& row : b) {
    if (find(a, row.path) == a.end()) differences.push_back({row.path, kAbsent, row.value});
  }
  return differences;
}

void OptionLister::add(const char* name, const std::string& type, const std::string& value,
                       const OptionInfo& info) {
  rows_.push_back({prefixes_.back() + name, type, value, info.unit, range_text(info), info.help});
}

void OptionLister::field(const char* name, bool& value, const OptionInfo& info) {
  add(name, "bool", to_yaml(value), info);
}
void OptionLister::field(const char* name, int64_t& value, const OptionInfo& info) {
  add(name, "int", to_yaml(value), info);
}
void OptionLister::field(const char* name, double& value, const OptionInfo& info) {
  add(name, "float", to_yaml(value), info);
}
void OptionLister::field(const char* name, std::string& value, const OptionInfo& info) {
  add(name, "string", to_yaml(value), info);
}
void OptionLister::field(const char* name, std::vector<int64_t>& value, const OptionInfo& info) {
  add(name, "list of int", to_yaml(value), info);
}
void OptionLister::field(const char* name, std::vector<double>& value, const OptionInfo& info) {
  add(name, "list of float", to_yaml(value), info);
}
void OptionLister::field(const char* name, std::vector<std::string>& value,
                         const OptionInfo& info) {
  add(name, "list of string", to_yaml(value), info);
}

void OptionLister::choice_index(const char* name, int& index, const std::vector<std::string>& names,
                                const OptionInfo& info) {
  add(name, join(names, " | "), names[static_cast<size_t>(index)], info);
}

bool OptionLister::begin_group(const char* name, const OptionInfo&) {
  prefixes_.push_back(prefixes_.back() + name + ".");
  return true;
}

void OptionLister::end_group() {
  prefixes_.pop_back();
}

int64_t OptionLister::begin_list(const char* name, int64_t count, const OptionInfo& info) {
  add(name, "list of groups", str(count, " items"), info);
  prefixes_.push_back(prefixes_.back() + name);
  lengthened_.push_back(count == 0 && show_empty_lists_);
  return lengthened_.back() ? 1 : count;
}

bool OptionLister::begin_item(int64_t index) {
  const std::string position = lengthened_.back() ? "" : std::to_string(index);
  prefixes_.push_back(prefixes_.back() + "[" + position + "].");
  return true;
}

void OptionLister::end_list() {
  prefixes_.pop_back();
  lengthened_.pop_back();
}

}  // namespace reasonbrain::config
