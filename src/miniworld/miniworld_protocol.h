// The protocol "miniworld": exact scores (score.h) and the anchor rows that every report shows.
#pragma once

#include "reasonbrain/protocol.h"

namespace reasonbrain::miniworld {

class MiniWorldProtocol : public eval::Protocol {
 public:
  std::string name() const override { return "miniworld"; }
  // rule, rule_confident, margin, attr, keep, progress
  std::vector<eval::Metric> metrics() const override;
  // copy (the source), oracle (the target), blend (mean of target and alternatives, rounded half
  // up), random (one of target and alternatives, drawn by seed and id)
  std::vector<std::string> anchors() const override;
  // Throws Error(kUsage) for a name that is not in anchors().
  io::Image anchor(const std::string& name, const data::Sample& sample,
                   uint64_t seed) const override;
  eval::Score score(const data::Sample& sample, const io::Image& edited) const override;
  std::string group_metric() const override { return "rule_confident"; }
};

}  // namespace reasonbrain::miniworld
