#include "eval/report.h"

#include <algorithm>
#include <array>

#include "core/atomic_file.h"
#include "core/interrupt.h"
#include "core/replaceable.h"
#include "core/str.h"
#include "eval/gallery.h"
#include "eval/summary.h"
#include "eval/tables.h"
#include "io/html.h"
#include "io/json.h"

namespace reasonbrain::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::array kReportFiles = {"summary.json", "summary.csv", "per_sample.jsonl",
                                     "tables.md",    "tables.tex",  "index.html",
                                     "images"};

std::string html_table(const Table& table, const std::string& note) {
  std::string out = "<table><tr>";
  for (const std::string& column : table.columns) out += "<th>" + io::escape_html(column) + "</th>";
  out += "</tr>\n";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    out += "<tr><td>" + io::escape_html(table.row_names[r]) + "</td>";
    for (const TableCell& cell : table.rows[r]) {
      out += cell.best ? "<td><b>" + cell.text + "</b></td>" : "<td>" + cell.text + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</table>\n<p class=\"meta\">" + io::escape_html(note) + "</p>\n";
}

}  // namespace

nlohmann::json write_report(const data::SampleSource& source, const Protocol& protocol,
                            const std::vector<Prediction>& predictions,
                            const ReportOptions& options, const fs::path& folder) {
  const fs::path destination = fs::absolute(folder).lexically_normal();
  require_replaceable("--out", destination, kReportFiles[0], [](const std::string& name) {
    return std::find(kReportFiles.begin(), kReportFiles.end(), name) != kReportFiles.end();
  });
  AtomicFolder report(destination);
  const Results results = evaluate(source, protocol, predictions, options.evaluate, report.path());
  const Summary summary = summarize(results, options.num_resamples, options.evaluate.seed);
  const std::vector<Table> tables = make_tables(results, summary);
  const std::string note = table_note(results);
  const nlohmann::json json = summary_json(results, summary);

  io::write_json(report.path() / "summary.json", json);
  write_file_atomic(report.path() / "summary.csv", summary_csv(results, summary));
  write_file_atomic(report.path() / "per_sample.jsonl", per_sample_jsonl(results));
  write_file_atomic(report.path() / "tables.md", tables_markdown(tables, note));
  write_file_atomic(report.path() / "tables.tex", tables_latex(tables, note));
  write_file_atomic(report.path() / "index.html",
                    gallery_html(results, html_table(tables[0], note)));
  throw_if_interrupted();
  report.commit(/*replace=*/true);
  return json;
}

}  // namespace reasonbrain::eval
