// What an evaluation found out, before any summary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reasonbrain/protocol.h"

namespace reasonbrain::eval {

struct SampleInfo {
  std::string id, scenario, category, group, instruction, outcome;
  std::vector<std::string> alternatives;  // names, in the order of the record
};

// One method on one sample.
struct Outcome {
  Score score;          // every value undefined when failed
  std::string problem;  // why the picture could not be scored; "" when it was
  bool failed() const { return !problem.empty(); }
};

struct MethodResults {
  std::string name;
  bool anchor = false;
  int64_t num_resized = 0;        // pictures whose size was not the target's
  std::vector<Outcome> outcomes;  // one per sample
};

struct Results {
  std::string protocol;
  std::string data_fingerprint;
  std::vector<Metric> metrics;
  std::string group_metric;
  std::vector<SampleInfo> samples;
  std::vector<MethodResults> methods;  // predictions in the order given, then the anchors
};

}  // namespace reasonbrain::eval
