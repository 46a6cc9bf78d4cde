// Means, intervals and minimal pairs per method, scenario, category and over all.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/results.h"

namespace reasonbrain::eval {

// What a row of the summary stands for.
enum class Level { kScenario, kCategory, kMacro, kMicro };
std::string level_name(Level level);  // "scenario", "category", "macro", "micro"

// One method over some of the samples.
struct Cell {
  Level level = Level::kScenario;
  std::string name;                                // of the scenario or category, "macro", "micro"
  std::vector<std::optional<double>> means;        // per metric; nullopt where undefined
  std::vector<std::optional<Interval>> intervals;  // 95 % bootstrap, likewise
  int64_t num_samples = 0;                         // scored ones
  int64_t num_failed = 0;
  int64_t num_groups = 0;        // minimal-pair groups with at least two members here
  int64_t num_groups_right = 0;  // those whose members are all right in Results::group_metric
};

struct MethodSummary {
  std::string name;
  bool anchor = false;
  std::vector<Cell> cells;  // scenarios and categories by name, then macro, then micro

  const Cell& macro() const;
};

struct Summary {
  std::vector<MethodSummary> methods;
};

// Error(kData) for a scenario with the name of a category, "macro" or "micro": these are rows too.
void check_row_names(const std::set<std::string>& scenarios,
                     const std::set<std::string>& categories);

// macro: the mean of the category means. A sample without a category or scenario counts in none of
// them. Errors are those of check_row_names().
Summary summarize(const Results& results, int64_t num_resamples, uint64_t seed);

// {method: {scenario | category | "macro" | "micro": {metric: mean, "n", "n_failed", "ci": {metric:
// [low, high]}, "pairs": {"n", "right", "share"}}}}
nlohmann::json summary_json(const Results& results, const Summary& summary);

// Tidy: one line per method, cell and metric.
std::string summary_csv(const Results& results, const Summary& summary);

// One JSON object per method and sample; null where undefined. A failed one carries "failed": the
// reason.
std::string per_sample_jsonl(const Results& results);

}  // namespace reasonbrain::eval
