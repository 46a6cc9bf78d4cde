// The report folder of an evaluation: summary.json, summary.csv, per_sample.jsonl, tables.md,
// tables.tex, index.html and the pictures that index.html shows.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "eval/evaluate.h"

namespace reasonbrain::eval {

struct ReportOptions {
  EvaluateOptions evaluate;
  int64_t num_resamples = 10'000;  // of the bootstrap
};

// Evaluates and writes the folder, which appears complete or not at all. An earlier report in its
// place is replaced; a folder that holds anything else is Error(kUsage), one that cannot be written
// Error(kRuntime), both before anything is scored. See evaluate() for the other errors. Returns
// what summary.json holds.
nlohmann::json write_report(const data::SampleSource& source, const Protocol& protocol,
                            const std::vector<Prediction>& predictions,
                            const ReportOptions& options, const std::filesystem::path& folder);

}  // namespace reasonbrain::eval
