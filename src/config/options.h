// From a parsed configuration to an options struct with describe(), and back to text.
//
//   config::Node tree = config::load_config({"base.yaml"}, {"train.lr=1e-4"});
//   TrainOptions options;
//   // Error(kConfig) "FILE:LINE: key 'train.lrr' ..., nearest 'train.lr'"
//   config::read_options(tree, options);
//   std::string resolved = config::write_options(options);
#pragma once

#include <string>
#include <vector>

#include "config/option_lister.h"
#include "config/option_reader.h"
#include "config/option_writer.h"

namespace reasonbrain::config {

// Sets every option that the tree names; the others keep their values. Every key must be an option.
// A list of structs gets the length that the tree says; an item at a position that the options
// already hold starts from the values there.
template <class T>
void read_options(const Node& tree, T& options) {
  OptionReader reader(tree);
  options.describe(reader);
  reader.finish();
}

// YAML text that read_options() takes back; with_help puts each option's help in a comment above
// it.
template <class T>
std::string write_options(T options, bool with_help = false) {
  OptionWriter writer(with_help);
  options.describe(writer);
  return writer.text();
}

// One row per option with its value (the default when T is default-constructed). A list of structs
// that is empty is shown once, as NAME[].
template <class T>
std::vector<OptionRow> list_options(T options = {}) {
  OptionLister lister(/*show_empty_lists=*/true);
  options.describe(lister);
  return lister.rows();
}

template <class T>
std::vector<OptionDifference> diff_options(T a, T b) {
  OptionLister rows_a(/*show_empty_lists=*/false), rows_b(/*show_empty_lists=*/false);
  a.describe(rows_a);
  b.describe(rows_b);
  return diff_rows(rows_a.rows(), rows_b.rows());
}

}  // namespace reasonbrain::config
