#include "config/option_writer.h"

#include "config/scalar.h"
#include "core/option_text.h"
#include "core/str.h"

namespace reasonbrain::config {

std::string OptionWriter::indent() {
  if (!first_of_item_) return std::string(static_cast<size_t>(2 * depth_), ' ');
  first_of_item_ = false;
  return std::string(static_cast<size_t>(2 * (depth_ - 1)), ' ') + "- ";
}

void OptionWriter::comment(const OptionInfo& info) {
  if (!with_help_ || info.help.empty()) return;
  std::string text = info.help;
  if (!info.unit.empty()) text += " (" + info.unit + ")";
  const std::string range = range_text(info);
  if (!range.empty()) text += "; " + range;
  const int level = first_of_item_ ? depth_ - 1 : depth_;
  text_ += std::string(static_cast<size_t>(2 * level), ' ') + "# " + text + "\n";
}

void OptionWriter::line(const char* name, const std::string& value, const OptionInfo& info) {
  comment(info);
  text_ += indent() + name + ": " + value + "\n";
}

void OptionWriter::field(const char* name, bool& value, const OptionInfo& info) {
  line(name, to_yaml(value), info);
}
void OptionWriter::field(const char* name, int64_t& value, const OptionInfo& info) {
  line(name, to_yaml(value), info);
}
void OptionWriter::field(const char* name, double& value, const OptionInfo& info) {
  line(name, to_yaml(value), info);
}
void OptionWriter::field(const char* name, std::string& value, const OptionInfo& info) {
  line(name, to_yaml(value), info);
}
void OptionWriter::field(const char* name, std::vector<int64_t>& value, const OptionInfo& info) {
  line(name, to_yaml(value), info);
}
void OptionWriter::field(const char* name, std::vector<double>& value, const OptionInfo& info) {
  line(name, to_yaml(value), info);
}
void OptionWriter::field(const char* name, std::vector<std::string>& value,
                         const OptionInfo& info) {
  line(name, to_yaml(value), info);
}

void OptionWriter::choice_index(const char* name, int& index, const std::vector<std::string>& names,
                                const OptionInfo& info) {
  OptionInfo with_names = info;
  with_names.help += " [" + join(names, " | ") + "]";
  line(name, to_yaml(names[static_cast<size_t>(index)]), with_names);
}

bool OptionWriter::begin_group(const char* name, const OptionInfo& info) {
  comment(info);
  text_ += indent() + name + ":\n";
  ++depth_;
  return true;
}

void OptionWriter::end_group() {
  --depth_;
}

int64_t OptionWriter::begin_list(const char* name, int64_t count, const OptionInfo& info) {
  comment(info);
  text_ += indent() + name + (count == 0 ? ": []\n" : ":\n");
  ++depth_;
  return count;
}

bool OptionWriter::begin_item(int64_t) {
  ++depth_;
  first_of_item_ = true;
  return true;
}

void OptionWriter::end_list() {
  --depth_;
}

}  // namespace reasonbrain::config
