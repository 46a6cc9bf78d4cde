#include "train/metrics_log.h"

#include <cmath>
#include <fstream>
#include <system_error>

#include "core/atomic_file.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::train {
namespace fs = std::filesystem;

MetricsLog::MetricsLog(fs::path path, int64_t step) : path_(std::move(path)) {
  std::string kept;
  bool dropped = false;
  std::ifstream file(path_);
  for (std::string text; std::getline(file, text);) {
    const nlohmann::json line = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    // A line without its line feed was cut off, however much of it is there.
    if (file.eof() || !line.is_object() || line.value("step", step + 1) > step) {
      dropped = true;
      continue;
    }
    kept += text + "\n";
    remember(line);
  }
  if (dropped) write_file_atomic(path_, kept);
}

void MetricsLog::append(const nlohmann::json& line) {
  const bool is_new = !fs::exists(path_);
  std::error_code ignored;
  const auto size = fs::file_size(path_, ignored);
  std::ofstream file(path_, std::ios::app);
  file << line.dump() << '\n';
  file.close();
  if (!file) {
    is_new ? (void)fs::remove(path_, ignored) : fs::resize_file(path_, size, ignored);
    throw runtime_error(str("cannot write ", path_.string(), ": the disk may be full"));
  }
  remember(line);
}

void MetricsLog::remember(const nlohmann::json& line) {
  const int64_t step = line.at("step");
  for (const auto& [name, value] : line.items()) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) continue;
    series_[name].emplace_back(step, value.get<double>());
  }
  const std::string stage = line.value("stage", "");
  if (stages_.empty() || stages_.back().second != stage) stages_.emplace_back(step, stage);
}

}  // namespace reasonbrain::train
