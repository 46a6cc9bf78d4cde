// A line chart as SVG text.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace reasonbrain::train {

struct ChartLine {
  std::string name;
  std::vector<std::pair<int64_t, double>> points;  // (step, value), steps rising
};

struct Chart {
  std::string title;
  std::vector<ChartLine> lines;
  // Dashed vertical lines with a label. A line of values is broken there: what lies before and
  // after was measured under other conditions.
  std::vector<std::pair<int64_t, std::string>> marks;
  int64_t first_step = 0, last_step = 0;  // of the horizontal axis
};

// log_scale: values that are not positive are left out.
std::string svg_chart(const Chart& chart, bool log_scale);

}  // namespace reasonbrain::train
