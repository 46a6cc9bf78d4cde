// An evaluation protocol: how one edited picture is scored against a sample.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reasonbrain/record.h"

namespace reasonbrain::eval {

struct Metric {
  std::string name;  // key in summary.json
  bool higher_is_better = true;
  std::string help;
};

struct Score {
  std::vector<std::optional<double>>
      values;           // one per Protocol::metrics(); nullopt where undefined
  std::string nearest;  // name of the worst alternative, "" where undefined
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  virtual std::string name() const = 0;
  virtual std::vector<Metric> metrics() const = 0;

  // Rows that every report carries, computed from the samples alone.
  virtual std::vector<std::string> anchors() const = 0;
  virtual io::Image anchor(const std::string& name, const data::Sample& sample,
                           uint64_t seed) const = 0;

  // `edited` is RGB; its size equals the target's. Throws Error(kData) when the sample lacks what
  // is needed.
  virtual Score score(const data::Sample& sample, const io::Image& edited) const = 0;

  // The share of minimal-pair groups whose members are all right is computed over this metric.
  virtual std::string group_metric() const = 0;
};

}  // namespace reasonbrain::eval
