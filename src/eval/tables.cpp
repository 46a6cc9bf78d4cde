#include "eval/tables.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "core/str.h"

namespace reasonbrain::eval {
namespace {

constexpr const char* kMissing = "–";

std::string three_decimals(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

// Marks the best and the second best among the methods of one column; ranks are of what is printed.
void rank_column(Table& table, size_t column, bool higher_is_better) {
  std::vector<double> values;
  for (size_t r = 0; r < table.num_methods; ++r) {
    const std::string& text = table.rows[r][column].text;
    if (text != kMissing) values.push_back(std::stod(text));
  }
  std::sort(values.begin(), values.end());
  if (higher_is_better) std::reverse(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  for (size_t r = 0; r < table.num_methods; ++r) {
    TableCell& cell = table.rows[r][column];
    if (cell.text == kMissing) continue;
    cell.best = std::stod(cell.text) == values[0];
    cell.second = values.size() > 1 && std::stod(cell.text) == values[1];
  }
}

struct Column {
  std::string title;
  bool higher_is_better;
  std::function<std::optional<double>(const MethodSummary&)> value;
};

Table make_table(const std::string& caption, const Summary& summary,
                 const std::vector<Column>& columns) {
  Table table;
  table.caption = caption;
  table.columns = {"method"};
  for (const Column& column : columns) {
    table.columns.push_back(column.title + (column.higher_is_better ? " ↑" : " ↓"));
  }
  for (const MethodSummary& method : summary.methods) {
    table.row_names.push_back(method.name);
    table.num_methods += method.anchor ? 0 : 1;
    std::vector<TableCell> row;
    for (const Column& column : columns) {
      const std::optional<double> value = column.value(method);
      row.push_back({value ? three_decimals(*value) : kMissing, false, false});
    }
    table.rows.push_back(row);
  }
  for (size_t c = 0; c < columns.size(); ++c) rank_column(table, c, columns[c].higher_is_better);
  return table;
}

std::optional<double> pair_share(const MethodSummary& method) {
  const Cell& macro = method.macro();
  if (macro.num_groups == 0) return std::nullopt;
  return static_cast<double>(macro.num_groups_right) / static_cast<double>(macro.num_groups);
}

Table overview(const Results& results, const Summary& summary) {
  std::vector<Column> columns;
  for (size_t k = 0; k < results.metrics.size(); ++k) {
    columns.push_back({results.metrics[k].name, results.metrics[k].higher_is_better,
                       [k](const MethodSummary& method) { return method.macro().means[k]; }});
  }
  columns.push_back({"pairs", true, pair_share});
  return make_table("Mean of the category means", summary, columns);
}

Table breakdown(const Results& results, const Summary& summary, size_t metric, Level level) {
  std::vector<Column> columns;
  const std::vector<Cell>& cells = summary.methods[0].cells;
  for (size_t c = 0; c < cells.size(); ++c) {
    if (cells[c].level != level && cells[c].level != Level::kMacro) continue;
    columns.push_back({cells[c].name, results.metrics[metric].higher_is_better,
                       [c, metric](const MethodSummary& m) { return m.cells[c].means[metric]; }});
  }
  return make_table(str(results.metrics[metric].name, " by ", level_name(level)), summary, columns);
}

}  // namespace

std::vector<Table> make_tables(const Results& results, const Summary& summary) {
  std::vector<Table> tables = {overview(results, summary)};
  for (Level level : {Level::kCategory, Level::kScenario}) {
    for (size_t k = 0; k < results.metrics.size(); ++k) {
      tables.push_back(breakdown(results, summary, k, level));
    }
  }
  return tables;
}

std::string table_note(const Results& results) {
  std::string text = str("Protocol ", results.protocol, ", ", results.samples.size(),
                         " samples (data ", results.data_fingerprint.substr(0, 12), ").");
  std::string failed;
  for (const MethodResults& method : results.methods) {
    const auto count = std::count_if(method.outcomes.begin(), method.outcomes.end(),
                                     [](const Outcome& outcome) { return outcome.failed(); });
    if (count > 0) failed += str(failed.empty() ? " " : ", ", method.name, " ", count);
  }
  if (!failed.empty()) text += " Failed and left out:" + failed + ".";
  std::string anchors;
  for (const MethodResults& method : results.methods) {
    if (method.anchor) anchors += (anchors.empty() ? "" : ", ") + method.name;
  }
  return text + " Anchor rows, not ranked: " + anchors + ".";
}

}  // namespace reasonbrain::eval
