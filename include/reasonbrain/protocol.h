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
  std::string help;  // what it is, with its range
};

struct Score {
  std::vector<std::optional<double>>
      values;           // one per Protocol::metrics(); nullopt where undefined
  std::string nearest;  // name of the alternative that the edit is closest to, "" where undefined
};

// Called by several threads at once.
class Protocol {
 public:
  virtual ~Protocol() = default;

  virtual std::string name() const = 0;
  virtual std::vector<Metric> metrics() const = 0;

  // Rows that every report carries, computed from the samples alone: RGB, of the target's size.
  // anchor() throws Error(kUsage) for another name and Error(kData) when the sample lacks what is
  // needed.
  virtual std::vector<std::string> anchors() const = 0;
  virtual io::Image anchor(const std::string& name, const data::Sample& sample,
                           uint64_t seed) const = 0;

  // `edited` is RGB; its size equals the target's. Throws Error(kData) when the sample lacks what
  // is needed.
  virtual Score score(const data::Sample& sample, const io::Image& edited) const = 0;

  // The metric, 1 where a picture is right, over which the share of minimal-pair groups is computed
  // whose members are all right.
  virtual std::string group_metric() const = 0;
};

}  // namespace reasonbrain::eval
