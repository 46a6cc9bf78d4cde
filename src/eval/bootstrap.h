// Bootstrap confidence intervals (Efron and Tibshirani 1993, percentile method), stratified.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace reasonbrain::eval {

struct Interval {
  double low = 0, high = 0;
};

// Samples of one stratum; several columns (methods, metrics) are resampled together, hence paired.
struct Stratum {
  size_t num_columns = 0;
  std::vector<double> values;  // row-major [samples, columns]; NaN where undefined
  size_t num_samples() const { return num_columns == 0 ? 0 : values.size() / num_columns; }
};

enum class Pooling {
  kMacro,  // mean over strata of each stratum's mean
  kMicro,  // mean over all samples
};

// The statistic itself, per column; nullopt where every value is undefined. Undefined values are
// left out, and under kMacro strata without a defined value as well.
std::vector<std::optional<double>> pooled_mean(const std::vector<Stratum>& strata, Pooling pooling);

// Its 95 % interval per column: every resample draws, within each stratum, as many samples as it
// has. A signal ends it with Error(kInterrupted).
std::vector<std::optional<Interval>> bootstrap_intervals(const std::vector<Stratum>& strata,
                                                         Pooling pooling, int64_t num_resamples,
                                                         uint64_t seed);

}  // namespace reasonbrain::eval
