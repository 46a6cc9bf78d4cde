// metrics.jsonl: one JSON object a line, and the same numbers as series for the curves page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace reasonbrain::train {

class MetricsLog {
 public:
  using Series = std::vector<std::pair<int64_t, double>>;  // (step, value), finite values only

  // Keeps the lines of an existing file up to `step`, drops later ones and a torn last line.
  MetricsLog(std::filesystem::path path, int64_t step);

  // A line with at least "step" and "stage". Error(kRuntime) when it cannot be written whole; then
  // the file is as it was.
  void append(const nlohmann::json& line);

  const std::map<std::string, Series>& series() const { return series_; }
  // First logged step of each stage, in order.
  const std::vector<std::pair<int64_t, std::string>>& stages() const { return stages_; }

 private:
  void remember(const nlohmann::json& line);

  std::filesystem::path path_;
  std::map<std::string, Series> series_;
  std::vector<std::pair<int64_t, std::string>> stages_;
};

}  // namespace reasonbrain::train
