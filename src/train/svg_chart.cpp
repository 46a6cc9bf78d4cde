#include "train/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/str.h"
#include "io/html.h"

namespace reasonbrain::train {
namespace {

constexpr double kWidth = 560, kHeight = 260;  // of the whole chart, SVG units
constexpr double kLeft = 58, kRight = 18, kTop = 42, kBottom = 28;
constexpr size_t kMaxPoints = 500;   // of one line, after averaging neighbours
constexpr size_t kMaxMarkers = 40;   // lines with fewer points show each as a dot with its value
constexpr double kWantedTicks = 5;   // about
constexpr double kDigitWidth = 6.5;  // of the labels, for keeping them apart
const char* const kColours[] = {"#2a6fdb", "#d1495b", "#2e933c", "#e39b1f",
                                "#7b4fb5", "#17a2b8", "#8c564b", "#777777"};

using Point = std::pair<double, double>;  // (step, value), the value after taking the logarithm

struct Axis {
  double low, high;  // after taking the logarithm
  double from, to;   // SVG coordinates
  std::vector<double> ticks;
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

std::string number(double value) {
  const std::pair<double, const char*> units[] = {{1e9, " G"}, {1e6, " M"}, {1, ""}};
  for (const auto& [unit, name] : units) {
    if (std::abs(value) < unit && unit != 1) continue;
    char text[32];
    std::snprintf(text, sizeof text, "%.4g%s", value / unit, name);
    return text;
  }
  return "";
}

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// 1, 2 or 5 times a power of ten, such that about kWantedTicks of it make up the range.
double nice_step(double range) {
  const double rough = range / kWantedTicks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.99) return factor * power;
  }
  return 10 * power;
}

void add_ticks(Axis& axis, double step, bool widen) {
  if (widen) {
    axis.low = std::floor(axis.low / step + 1e-9) * step;
    axis.high = std::ceil(axis.high / step - 1e-9) * step;
  }
  for (double k = std::ceil(axis.low / step - 1e-9); k * step <= axis.high + step * 1e-6; ++k) {
    axis.ticks.push_back(k * step);
  }
}

Axis value_axis(const std::vector<std::vector<Point>>& segments, bool log_scale) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Axis axis{kInfinity, -kInfinity, kHeight - kBottom, kTop, {}};
  for (const auto& segment : segments) {
    for (const auto& [step, value] : segment) {
      axis.low = std::min(axis.low, value);
      axis.high = std::max(axis.high, value);
    }
  }
  if (axis.low > axis.high) axis.low = 0, axis.high = 1;  // no points
  if (axis.high - axis.low < 1e-9 * std::max(1.0, std::abs(axis.high))) {
    const double margin = std::max(std::abs(axis.low) * 0.1, 1e-6);
    axis.low -= margin;
    axis.high += margin;
  }
  if (!log_scale) {
    add_ticks(axis, nice_step(axis.high - axis.low), /*widen=*/true);
  } else if (axis.high - axis.low >= 1.5) {  // whole decades
    add_ticks(axis, std::max(1.0, std::round((axis.high - axis.low) / kWantedTicks)), true);
  } else {  // 1, 2, 5, 10, ..., or round numbers where the range is narrower than that
    const double low = std::pow(10.0, axis.low), high = std::pow(10.0, axis.high);
    for (double power = std::pow(10.0, std::floor(axis.low)); power <= high; power *= 10) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= low && factor * power <= high)
          axis.ticks.push_back(std::log10(factor * power));
      }
    }
    if (axis.ticks.size() < 2) {
      Axis linear{low, high, 0, 1, {}};
      add_ticks(linear, nice_step(high - low), /*widen=*/false);
      axis.ticks.clear();
      for (const double tick : linear.ticks) axis.ticks.push_back(std::log10(tick));
    }
  }
  return axis;
}

// The line in pieces that do not cross a mark; long lines by the mean of neighbours.
std::vector<std::vector<Point>> segments_of(const ChartLine& line, const Chart& chart,
                                            bool log_scale) {
  const size_t stride = line.points.size() / kMaxPoints + 1;
  std::vector<std::vector<Point>> segments;
  size_t mark = 0, in_bucket = 0;
  for (const auto& [step, value] : line.points) {
    if (log_scale && value <= 0) continue;
    bool begins = segments.empty();
    for (; mark < chart.marks.size() && chart.marks[mark].first <= step; ++mark) begins = true;
    if (begins) segments.emplace_back();
    if (begins || in_bucket == stride) {
      segments.back().emplace_back(0, 0);
      in_bucket = 0;
    }
    auto& [x, y] = segments.back().back();
    ++in_bucket;
    const double share = 1.0 / static_cast<double>(in_bucket);
    x += (static_cast<double>(step) - x) * share;
    y += ((log_scale ? std::log10(value) : value) - y) * share;
  }
  return segments;
}

std::string grid(const Axis& x, const Axis& y, bool log_scale) {
  std::string svg;
  for (const double tick : y.ticks) {
    const std::string level = coordinate(y.at(tick));
    const double value = log_scale ? std::pow(10.0, tick) : tick;
    const bool is_zero = std::abs(value) < (y.high - y.low) * 1e-9;
    svg +=
        str("<line class='grid' x1='", kLeft, "' x2='", kWidth - kRight, "' y1='", level, "' y2='",
            level, "'/><text x='", kLeft - 6, "' y='", level, "' text-anchor='end' dy='.32em'>",
            number(!log_scale && is_zero ? 0 : value), "</text>");
  }
  for (const double tick : x.ticks) {
    svg += str("<text x='", coordinate(x.at(tick)), "' y='", kHeight - 8, "' text-anchor='middle'>",
               std::llround(tick), "</text>");
  }
  return svg;
}

// Labels stand in two rows where they would touch.
std::string mark_lines(const Chart& chart, const Axis& x) {
  std::string svg;
  double free_from = 0;
  for (const auto& [step, label] : chart.marks) {
    const double position = x.at(static_cast<double>(step));
    const std::string at = coordinate(position);
    const bool touches = position < free_from;
    svg += str("<line class='mark' x1='", at, "' x2='", at, "' y1='", kTop, "' y2='",
               kHeight - kBottom, "'/><text x='", at, "' y='", kTop - (touches ? 14 : 4), "'>",
               io::escape_html(label), "</text>");
    if (!touches) free_from = position + kDigitWidth * static_cast<double>(label.size() + 1);
  }
  return svg;
}

std::string draw(const std::vector<Point>& segment, const Axis& x, const Axis& y,
                 const char* colour, bool markers, const std::string& name, bool log_scale) {
  std::string svg = str("<polyline stroke='", colour, "' points='");
  for (const auto& [step, value] : segment) {
    svg += coordinate(x.at(step)) + "," + coordinate(y.at(value)) + " ";
  }
  svg += "'/>";
  if (!markers && segment.size() > 1) return svg;  // a polyline of one point shows nothing
  for (const auto& [step, value] : segment) {
    svg += str("<circle r='2.5' fill='", colour, "' cx='", coordinate(x.at(step)), "' cy='",
               coordinate(y.at(value)), "'><title>", io::escape_html(name), ", step ",
               std::llround(step), ": ", number(log_scale ? std::pow(10.0, value) : value),
               "</title></circle>");
  }
  return svg;
}

std::string legend(const std::vector<ChartLine>& lines) {
  std::string html = "<div class='legend'>";
  for (size_t i = 0; i < lines.size(); ++i) {
    html += str("<span><i style='background:", kColours[i % std::size(kColours)], "'></i>",
                io::escape_html(lines[i].name));
    if (!lines[i].points.empty()) html += " <b>" + number(lines[i].points.back().second) + "</b>";
    html += "</span>";
  }
  return html + "</div>";
}

}  // namespace

std::string svg_chart(const Chart& chart, bool log_scale) {
  std::vector<std::vector<std::vector<Point>>> lines;  // [line][segment]
  std::vector<std::vector<Point>> all;
  for (const ChartLine& line : chart.lines) {
    lines.push_back(segments_of(line, chart, log_scale));
    all.insert(all.end(), lines.back().begin(), lines.back().end());
  }
  const Axis y = value_axis(all, log_scale);
  Axis x{static_cast<double>(chart.first_step),
         static_cast<double>(chart.last_step),
         kLeft,
         kWidth - kRight,
         {}};
  if (x.high <= x.low) x.low -= 1, x.high += 1;
  add_ticks(x, std::max(1.0, nice_step(x.high - x.low)), /*widen=*/false);

  std::string svg = str("<figure><svg viewBox='0 0 ", kWidth, " ", kHeight,
                        "' role='img'><text class='title' x='8' y='18'>",
                        io::escape_html(chart.title), log_scale ? " (logarithmic)" : "", "</text>",
                        grid(x, y, log_scale), mark_lines(chart, x));
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool markers = chart.lines[i].points.size() <= kMaxMarkers;
    for (const auto& segment : lines[i]) {
      svg += draw(segment, x, y, kColours[i % std::size(kColours)], markers, chart.lines[i].name,
                  log_scale);
    }
  }
  return svg + "</svg>" + legend(chart.lines) + "</figure>";
}

}  // namespace reasonbrain::train
