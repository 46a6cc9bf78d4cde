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
constexpr double kLeft = 58, kRight = 12, kTop = 30, kBottom = 28;
constexpr size_t kMaxPoints = 500;  // of one line, after averaging neighbours
constexpr int kTicks = 5;
const char* const kColours[] = {"#2a6fdb", "#d1495b", "#2e933c", "#e39b1f",
                                "#7b4fb5", "#17a2b8", "#8c564b", "#555555"};

struct Axis {
  double low, high;  // after taking the logarithm
  double from, to;   // SVG coordinates
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Plotted points: on a logarithmic axis the positive ones; long lines by the mean of neighbours.
std::vector<std::pair<double, double>> plotted(const ChartLine& line, bool log_scale) {
  std::vector<std::pair<double, double>> all;
  for (const auto& [step, value] : line.points) {
    if (log_scale && value <= 0) continue;
    all.emplace_back(static_cast<double>(step), log_scale ? std::log10(value) : value);
  }
  const size_t stride = all.size() / kMaxPoints + 1;
  std::vector<std::pair<double, double>> points;
  for (size_t i = 0; i < all.size(); i += stride) {
    const size_t end = std::min(i + stride, all.size());
    double x = 0, y = 0;
    for (size_t j = i; j < end; ++j) {
      x += all[j].first;
      y += all[j].second;
    }
    points.emplace_back(x / static_cast<double>(end - i), y / static_cast<double>(end - i));
  }
  return points;
}

void widen(Axis& axis) {
  if (axis.low > axis.high) axis.low = 0, axis.high = 1;  // no points
  if (axis.high - axis.low < 1e-12) {
    const double margin = std::max(std::abs(axis.low) * 0.1, 1e-6);
    axis.low -= margin;
    axis.high += margin;
  }
}

std::string grid(const Axis& x, const Axis& y, bool log_scale) {
  std::string svg;
  for (int i = 0; i < kTicks; ++i) {
    const double share = static_cast<double>(i) / (kTicks - 1);
    const double value = y.low + share * (y.high - y.low);
    const std::string level = coordinate(y.at(value));
    svg +=
        str("<line class='grid' x1='", kLeft, "' x2='", kWidth - kRight, "' y1='", level, "' y2='",
            level, "'/><text x='", kLeft - 6, "' y='", level, "' text-anchor='end' dy='.32em'>",
            number(log_scale ? std::pow(10.0, value) : value), "</text>");
    const double step = x.low + share * (x.high - x.low);
    svg += str("<text x='", coordinate(x.at(step)), "' y='", kHeight - 8, "' text-anchor='middle'>",
               std::llround(step), "</text>");
  }
  return svg;
}

std::string legend(const std::vector<ChartLine>& lines) {
  std::string html = "<div class='legend'>";
  for (size_t i = 0; i < lines.size(); ++i) {
    html += str("<span><i style='background:", kColours[i % std::size(kColours)], "'></i>",
                io::escape_html(lines[i].name));
    if (!lines[i].points.empty()) html += " " + number(lines[i].points.back().second);
    html += "</span>";
  }
  return html + "</div>";
}

}  // namespace

std::string svg_chart(const Chart& chart, bool log_scale) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Axis x{kInfinity, -kInfinity, kLeft, kWidth - kRight};
  Axis y{kInfinity, -kInfinity, kHeight - kBottom, kTop};
  std::vector<std::vector<std::pair<double, double>>> lines;
  for (const ChartLine& line : chart.lines) {
    lines.push_back(plotted(line, log_scale));
    for (const auto& [step, value] : lines.back()) {
      y.low = std::min(y.low, value), y.high = std::max(y.high, value);
    }
    if (line.points.empty()) continue;
    x.low = std::min(x.low, static_cast<double>(line.points.front().first));
    x.high = std::max(x.high, static_cast<double>(line.points.back().first));
  }
  widen(x);
  widen(y);

  std::string svg =
      str("<figure><svg viewBox='0 0 ", kWidth, " ", kHeight,
          "' role='img'><text class='title' x='", kLeft, "' y='18'>", io::escape_html(chart.title),
          log_scale ? " (log)" : "", "</text>", grid(x, y, log_scale));
  for (const auto& [step, label] : chart.marks) {
    if (static_cast<double>(step) < x.low || static_cast<double>(step) > x.high) continue;
    const std::string at = coordinate(x.at(static_cast<double>(step)));
    svg += str("<line class='mark' x1='", at, "' x2='", at, "' y1='", kTop, "' y2='",
               kHeight - kBottom, "'/><text x='", at, "' y='", kTop + 8, "' dx='3'>",
               io::escape_html(label), "</text>");
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    const char* colour = kColours[i % std::size(kColours)];
    svg += str("<polyline stroke='", colour, "' points='");
    for (const auto& [step, value] : lines[i]) {
      svg += coordinate(x.at(step)) + "," + coordinate(y.at(value)) + " ";
    }
    svg += "'/>";
    if (lines[i].size() == 1) {  // a polyline of one point shows nothing
      svg += str("<circle r='2.5' fill='", colour, "' cx='", coordinate(x.at(lines[i][0].first)),
                 "' cy='", coordinate(y.at(lines[i][0].second)), "'/>");
    }
  }
  return svg + "</svg>" + legend(chart.lines) + "</figure>";
}

}  // namespace reasonbrain::train
