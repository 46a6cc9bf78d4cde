// Tables for people: Markdown, and LaTeX with booktabs.
#pragma once

#include <string>
#include <vector>

#include "eval/summary.h"

namespace reasonbrain::eval {

// A number as it stands in a table.
struct TableCell {
  std::string text;   // three decimals, or an en dash where there is no value
  bool best = false;  // of the methods that are not anchors; equal numbers share it
  bool second = false;
};

struct Table {
  std::string caption;
  std::vector<std::string> columns;  // the first names the rows
  std::vector<std::string> row_names;
  std::vector<std::vector<TableCell>> rows;  // without the first column
  size_t num_methods = 0;                    // rows of methods; the others are anchors
};

// Macro means of every metric with the share of minimal pairs, then one table per metric by
// category and one by scenario.
std::vector<Table> make_tables(const Results& results, const Summary& summary);

// What stands below the tables: protocol, numbers of samples and failures, data.
std::string table_note(const Results& results);

std::string tables_markdown(const std::vector<Table>& tables, const std::string& note);
std::string tables_latex(const std::vector<Table>& tables, const std::string& note);

}  // namespace reasonbrain::eval
