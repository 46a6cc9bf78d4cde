#include "train/curves_page.h"

#include <set>

#include "core/str.h"
#include "io/html.h"
#include "train/svg_chart.h"

namespace reasonbrain::train {
namespace {

// The switch is a check box and the style sheet alone: no script, so the page opens anywhere.
constexpr const char* kHead = R"(<style>
body{font:15px/1.5 system-ui,sans-serif;margin:24px;color:#222;background:#fafafa}
h1{font-size:20px;margin:0 0 4px}h2{font-size:16px;margin:24px 0 4px}
.charts{display:flex;flex-wrap:wrap;gap:16px}
figure{margin:0;padding:8px;background:#fff;border:1px solid #ddd;border-radius:6px;width:560px}
svg{width:100%;font-size:11px;fill:#555}.title{font-size:13px;font-weight:600;fill:#222}
.grid{stroke:#e6e6e6}.mark{stroke:#999;stroke-dasharray:4 3}polyline{fill:none;stroke-width:1.6}
.legend{font-size:12px;display:flex;flex-wrap:wrap;gap:4px 14px;padding:0 8px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
.log{display:none}#log:checked~.log{display:block}#log:checked~.linear{display:none}
</style>)";

// Keys of a line that tell where it stands or how fast it went; everything else was measured by the
// task.
const std::set<std::string> kPosition = {"step", "stage_step", "epoch", "samples_seen"};
const std::set<std::string> kSpeed = {"samples_per_second", "seconds_per_step", "data_wait_seconds",
                                      "peak_memory_bytes"};
const std::set<std::string> kOptimiser = {"lr", "grad_norm"};

struct Group {
  std::string title;
  std::vector<Chart> charts;
};

bool is_loss(const std::string& name) {
  return name == "loss" || starts_with(name, "loss_");
}

std::vector<Group> groups_of(const MetricsLog& log) {
  Group losses{"Training loss", {{.title = "loss"}}}, validation{"Evaluation", {}};
  Group optimiser{"Optimiser", {}}, speed{"Speed and memory", {}};
  Chart& loss = losses.charts.front();
  Chart validation_loss{.title = "validation loss"};
  for (const auto& [name, points] : log.series()) {
    if (kPosition.contains(name)) continue;
    const ChartLine line{name, points};
    if (is_loss(name)) {
      loss.lines.push_back(line);
    } else if (starts_with(name, "val_loss")) {
      validation_loss.lines.push_back(line);
    } else {
      Group& group = kSpeed.contains(name)       ? speed
                     : kOptimiser.contains(name) ? optimiser
                                                 : validation;
      group.charts.push_back({.title = name, .lines = {line}});
    }
  }
  if (!validation_loss.lines.empty()) {
    validation.charts.insert(validation.charts.begin(), validation_loss);
  }
  return {losses, validation, optimiser, speed};
}

std::string section(std::vector<Group> groups, const MetricsLog& log, bool log_scale) {
  std::string html = str("<div class='", log_scale ? "log" : "linear", "'>");
  for (Group& group : groups) {
    if (group.charts.empty()) continue;
    html += str("<h2>", group.title, "</h2><div class='charts'>");
    for (Chart& chart : group.charts) {
      chart.marks = log.stages();
      html += svg_chart(chart, log_scale) + "\n";
    }
    html += "</div>";
  }
  return html + "</div>\n";
}

}  // namespace

std::string curves_page(const std::string& title, const MetricsLog& log) {
  const std::string name = io::escape_html(title);
  const auto steps = log.series().find("step");
  const int64_t last = steps == log.series().end() ? 0 : steps->second.back().first;
  const std::vector<Group> groups = groups_of(log);
  return str("<!doctype html><html lang='en'><head><meta charset='utf-8'><title>", name,
             "</title>\n", kHead, "</head>\n<body><h1>", name, "</h1>\n<p>Step ", last,
             "; dashed lines are the starts of stages.</p>\n",
             "<input type='checkbox' id='log'><label for='log'> logarithmic values</label>\n",
             section(groups, log, /*log_scale=*/false), section(groups, log, /*log_scale=*/true),
             "</body></html>\n");
}

}  // namespace reasonbrain::train
