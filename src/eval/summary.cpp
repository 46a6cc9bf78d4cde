#include "eval/summary.h"

#include <algorithm>
#include <limits>
#include <map>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::eval {
namespace {

// The samples that a cell covers; several strata only for macro and micro.
struct Scope {
  Level level;
  std::string name;
  std::vector<std::vector<size_t>> strata;  // indices of samples

  std::vector<size_t> samples() const {
    std::vector<size_t> all;
    for (const std::vector<size_t>& stratum : strata)
      all.insert(all.end(), stratum.begin(), stratum.end());
    return all;
  }
};

std::map<std::string, std::vector<size_t>> samples_by(const Results& results,
                                                      std::string SampleInfo::*key) {
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < results.samples.size(); ++i) {
    const std::string& name = results.samples[i].*key;
    if (!name.empty()) groups[name].push_back(i);
  }
  return groups;
}

std::set<std::string> names_of(const std::map<std::string, std::vector<size_t>>& groups) {
  std::set<std::string> names;
  for (const auto& [name, samples] : groups) names.insert(name);
  return names;
}

std::vector<Scope> scopes_of(const Results& results) {
  std::vector<Scope> scopes;
  const auto scenarios = samples_by(results, &SampleInfo::scenario);
  const auto categories = samples_by(results, &SampleInfo::category);
  check_row_names(names_of(scenarios), names_of(categories));
  for (const auto& [name, samples] : scenarios)
    scopes.push_back({Level::kScenario, name, {samples}});
  std::vector<std::vector<size_t>> strata;
  std::vector<size_t> uncategorised;
  for (const auto& [name, samples] : categories) {
    scopes.push_back({Level::kCategory, name, {samples}});
    strata.push_back(samples);
  }
  scopes.push_back({Level::kMacro, level_name(Level::kMacro), strata});
  for (size_t i = 0; i < results.samples.size(); ++i) {
    if (results.samples[i].category.empty()) uncategorised.push_back(i);
  }
  if (!uncategorised.empty()) strata.push_back(uncategorised);
  scopes.push_back({Level::kMicro, level_name(Level::kMicro), strata});
  return scopes;
}

// Columns: metrics of the first method, of the second, ...
Stratum stratum_of(const Results& results, const std::vector<size_t>& samples) {
  const size_t num_metrics = results.metrics.size();
  Stratum stratum;
  stratum.num_columns = results.methods.size() * num_metrics;
  stratum.values.reserve(samples.size() * stratum.num_columns);
  for (size_t i : samples) {
    for (const MethodResults& method : results.methods) {
      for (const std::optional<double>& value : method.outcomes[i].score.values) {
        stratum.values.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
      }
    }
  }
  return stratum;
}

size_t metric_index(const Results& results, const std::string& name) {
  const auto found = std::find_if(results.metrics.begin(), results.metrics.end(),
                                  [&](const Metric& metric) { return metric.name == name; });
  return static_cast<size_t>(found - results.metrics.begin());
}

void count_groups(const Results& results, const MethodResults& method,
                  const std::vector<size_t>& samples, Cell& cell) {
  const size_t metric = metric_index(results, results.group_metric);
  if (metric == results.metrics.size()) return;
  std::map<std::string, std::vector<bool>> groups;
  for (size_t i : samples) {
    const std::string& group = results.samples[i].group;
    if (!group.empty()) groups[group].push_back(method.outcomes[i].score.values[metric] == 1.0);
  }
  for (const auto& [name, right] : groups) {
    if (right.size() < 2) continue;
    ++cell.num_groups;
    cell.num_groups_right += std::all_of(right.begin(), right.end(), [](bool r) { return r; });
  }
}

Cell make_cell(const Results& results, size_t method, const Scope& scope,
               const std::vector<std::optional<double>>& means,
               const std::vector<std::optional<Interval>>& intervals) {
  const auto num_metrics = static_cast<std::ptrdiff_t>(results.metrics.size());
  const auto first = static_cast<std::ptrdiff_t>(method) * num_metrics;
  Cell cell;
  cell.level = scope.level;
  cell.name = scope.name;
  cell.means.assign(num_metrics, std::nullopt);
  cell.intervals.assign(num_metrics, std::nullopt);
  if (!means.empty()) {
    std::copy_n(means.begin() + first, num_metrics, cell.means.begin());
    std::copy_n(intervals.begin() + first, num_metrics, cell.intervals.begin());
  }
  const std::vector<size_t> samples = scope.samples();
  for (size_t i : samples) {
    if (results.methods[method].outcomes[i].failed()) {
      ++cell.num_failed;
    } else {
      ++cell.num_samples;
    }
  }
  count_groups(results, results.methods[method], samples, cell);
  return cell;
}

}  // namespace

std::string level_name(Level level) {
  switch (level) {
    case Level::kScenario:
      return "scenario";
    case Level::kCategory:
      return "category";
    case Level::kMacro:
      return "macro";
    case Level::kMicro:
      return "micro";
  }
  return "";
}

const Cell& MethodSummary::macro() const {
  return *std::find_if(cells.begin(), cells.end(),
                       [](const Cell& cell) { return cell.level == Level::kMacro; });
}

void check_row_names(const std::set<std::string>& scenarios,
                     const std::set<std::string>& categories) {
  for (const std::string& name : scenarios) {
    if (!categories.contains(name) && name != level_name(Level::kMacro) &&
        name != level_name(Level::kMicro)) {
      continue;
    }
    throw data_error(str("the scenario '", name,
                         "' has the name of another row of the summary; expected none of the "
                         "categories, macro and micro: rename it in the records"));
  }
}

Summary summarize(const Results& results, int64_t num_resamples, uint64_t seed) {
  Summary summary;
  for (const MethodResults& method : results.methods) {
    summary.methods.push_back({method.name, method.anchor, {}});
  }
  for (const Scope& scope : scopes_of(results)) {
    std::vector<Stratum> strata;
    for (const std::vector<size_t>& samples : scope.strata) {
      strata.push_back(stratum_of(results, samples));
    }
    const Pooling pooling = scope.level == Level::kMacro ? Pooling::kMacro : Pooling::kMicro;
    const auto means = pooled_mean(strata, pooling);
    const auto intervals = bootstrap_intervals(strata, pooling, num_resamples, seed);
    for (size_t m = 0; m < results.methods.size(); ++m) {
      summary.methods[m].cells.push_back(make_cell(results, m, scope, means, intervals));
    }
  }
  return summary;
}

}  // namespace reasonbrain::eval
