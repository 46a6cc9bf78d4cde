// The machine-readable files of a report.
#include <nlohmann/json.hpp>

#include "core/option_text.h"
#include "eval/summary.h"

namespace reasonbrain::eval {
namespace {

using nlohmann::json;

json or_null(const std::optional<double>& value) {
  return value ? json(*value) : json(nullptr);
}

json cell_json(const Results& results, const Cell& cell) {
  json object = json::object();
  json intervals = json::object();
  for (size_t k = 0; k < results.metrics.size(); ++k) {
    const std::string& metric = results.metrics[k].name;
    object[metric] = or_null(cell.means[k]);
    if (const auto& interval = cell.intervals[k])
      intervals[metric] = {interval->low, interval->high};
  }
  object["n"] = cell.num_samples;
  object["n_failed"] = cell.num_failed;
  object["ci"] = intervals;
  if (cell.num_groups > 0) {
    object["pairs"] = {{"n", cell.num_groups},
                       {"right", cell.num_groups_right},
                       {"share", static_cast<double>(cell.num_groups_right) /
                                     static_cast<double>(cell.num_groups)}};
  }
  return object;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

json summary_json(const Results& results, const Summary& summary) {
  json out = json::object();
  for (const MethodSummary& method : summary.methods) {
    for (const Cell& cell : method.cells) out[method.name][cell.name] = cell_json(results, cell);
  }
  return out;
}

std::string summary_csv(const Results& results, const Summary& summary) {
  const auto number = [](const std::optional<double>& value) {
    return value ? format_number(*value) : std::string();
  };
  std::string out = "method,level,name,metric,protocol,value,ci_lo,ci_hi,n,n_failed\n";
  for (const MethodSummary& method : summary.methods) {
    for (const Cell& cell : method.cells) {
      for (size_t k = 0; k < results.metrics.size(); ++k) {
        const auto& interval = cell.intervals[k];
        const std::vector<std::string> fields = {method.name,
                                                 level_name(cell.level),
                                                 cell.name,
                                                 results.metrics[k].name,
                                                 results.protocol,
                                                 number(cell.means[k]),
                                                 interval ? format_number(interval->low) : "",
                                                 interval ? format_number(interval->high) : "",
                                                 std::to_string(cell.num_samples),
                                                 std::to_string(cell.num_failed)};
        for (size_t f = 0; f < fields.size(); ++f) out += (f > 0 ? "," : "") + csv_field(fields[f]);
        out += '\n';
      }
    }
  }
  return out;
}

std::string per_sample_jsonl(const Results& results) {
  std::string out;
  for (const MethodResults& method : results.methods) {
    for (size_t i = 0; i < results.samples.size(); ++i) {
      const SampleInfo& sample = results.samples[i];
      const Outcome& outcome = method.outcomes[i];
      nlohmann::ordered_json line = {{"method", method.name},
                                     {"id", sample.id},
                                     {"scenario", sample.scenario},
                                     {"category", sample.category}};
      for (size_t k = 0; k < results.metrics.size(); ++k) {
        line[results.metrics[k].name] = or_null(outcome.score.values[k]);
      }
      const std::string& nearest = outcome.score.nearest;
      line["nearest"] = nearest.empty() ? json(nullptr) : json(nearest);
      if (outcome.failed()) line["failed"] = outcome.problem;
      out += line.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + "\n";
    }
  }
  return out;
}

}  // namespace reasonbrain::eval
