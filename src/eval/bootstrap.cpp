#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/interrupt.h"
#include "core/rng.h"

namespace reasonbrain::eval {
namespace {

constexpr double kTail = 0.025;  // on either side of a 95 % interval

// Sums over samples per column.
struct Sums {
  std::vector<double> sum, count;

  explicit Sums(size_t num_columns) : sum(num_columns), count(num_columns) {}

  void add(const double* row) {
    for (size_t c = 0; c < sum.size(); ++c) {
      const bool defined = !std::isnan(row[c]);
      sum[c] += defined ? row[c] : 0.0;
      count[c] += defined ? 1.0 : 0.0;
    }
  }
};

size_t num_columns(const std::vector<Stratum>& strata) {
  return strata.empty() ? 0 : strata[0].num_columns;
}

// The statistic over the rows that `pick(stratum, k)` names; NaN where undefined.
std::vector<double> statistic(const std::vector<Stratum>& strata, Pooling pooling,
                              const std::function<size_t(size_t num_samples, size_t k)>& pick) {
  const size_t columns = num_columns(strata);
  Sums total(columns);
  for (const Stratum& stratum : strata) {
    Sums sums(columns);
    const size_t n = stratum.num_samples();
    for (size_t k = 0; k < n; ++k) sums.add(&stratum.values[pick(n, k) * columns]);
    for (size_t c = 0; c < columns; ++c) {
      if (sums.count[c] == 0) continue;
      const bool macro = pooling == Pooling::kMacro;
      total.sum[c] += macro ? sums.sum[c] / sums.count[c] : sums.sum[c];
      total.count[c] += macro ? 1.0 : sums.count[c];
    }
  }
  std::vector<double> means(columns);
  for (size_t c = 0; c < columns; ++c) means[c] = total.sum[c] / total.count[c];  // 0/0 is NaN
  return means;
}

// Linear interpolation between order statistics.
double quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::vector<std::optional<double>> pooled_mean(const std::vector<Stratum>& strata,
                                               Pooling pooling) {
  std::vector<std::optional<double>> means;
  for (double mean : statistic(strata, pooling, [](size_t, size_t k) { return k; })) {
    means.push_back(std::isnan(mean) ? std::nullopt : std::optional(mean));
  }
  return means;
}

std::vector<std::optional<Interval>> bootstrap_intervals(const std::vector<Stratum>& strata,
                                                         Pooling pooling, int64_t num_resamples,
                                                         uint64_t seed) {
  const uint64_t purpose = hash_key("bootstrap");
  const size_t columns = num_columns(strata);
  std::vector<std::vector<double>> means(columns);
  for (int64_t r = 0; r < num_resamples; ++r) {
    throw_if_interrupted();
    Rng rng(seed, {purpose, static_cast<uint64_t>(r)});
    const std::vector<double> resample = statistic(
        strata, pooling, [&](size_t n, size_t) { return static_cast<size_t>(rng.below(n)); });
    for (size_t c = 0; c < columns; ++c) {
      if (!std::isnan(resample[c])) means[c].push_back(resample[c]);
    }
  }
  std::vector<std::optional<Interval>> intervals(columns);
  for (size_t c = 0; c < columns; ++c) {
    if (means[c].empty()) continue;
    std::sort(means[c].begin(), means[c].end());
    intervals[c] = {quantile(means[c], kTail), quantile(means[c], 1.0 - kTail)};
  }
  return intervals;
}

}  // namespace reasonbrain::eval
