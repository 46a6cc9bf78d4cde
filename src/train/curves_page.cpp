#include "train/curves_page.h"

#include <map>
#include <set>

#include "core/str.h"
#include "io/html.h"
#include "train/svg_chart.h"

namespace reasonbrain::train {
namespace {

// The switch is a check box and the style sheet alone: no script, so the page opens anywhere.
constexpr const char* kHead = R"(<meta name='viewport' content='width=device-width'><style>
body{font:15px/1.5 system-ui,sans-serif;margin:24px;color:#222;background:#fafafa}
h1{font-size:20px;margin:0 0 4px}h2{font-size:16px;margin:24px 0 8px}p{margin:0 0 8px}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(440px,1fr));gap:16px}
figure{margin:0;padding:8px;background:#fff;border:1px solid #ddd;border-radius:6px}
svg{width:100%;font-size:11px;fill:#666}.title{font-size:13px;font-weight:600;fill:#222}
.grid{stroke:#e6e6e6}.mark{stroke:#999;stroke-dasharray:4 3}polyline{fill:none;stroke-width:1.6}
.legend{font-size:12px;display:flex;flex-wrap:wrap;gap:2px 14px;padding:0 8px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
.log{display:none}#log:checked~.log{display:block}#log:checked~.linear{display:none}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}
figure{background:#202020;border-color:#3a3a3a}svg{fill:#aaa}.title{fill:#eee}.grid{stroke:#333}}
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

// The longest other series that `name` continues after an underscore, such as val_rule of
// val_rule_melt.
std::string parent_of(const std::string& name, const MetricsLog& log) {
  for (size_t end = name.rfind('_'); end != std::string::npos && end > 0;
       end = name.rfind('_', end - 1)) {
    if (log.series().contains(name.substr(0, end))) return name.substr(0, end);
  }
  return "";
}

// Charts of what the task measured: a series with the series that continue its name, unless they
// have such ones themselves.
std::vector<Chart> evaluation_charts(const MetricsLog& log, const std::vector<std::string>& names) {
  std::set<std::string> parents;
  for (const std::string& name : names) parents.insert(parent_of(name, log));
  std::map<std::string, Chart> charts;
  for (const std::string& name : names) {
    const std::string parent = parent_of(name, log);
    const std::string& title = parent.empty() || parents.contains(name) ? name : parent;
    Chart& chart = charts[title];
    chart.title = title;
    chart.lines.push_back({name, log.series().at(name)});
  }
  std::vector<Chart> out;
  for (auto& [title, chart] : charts) out.push_back(std::move(chart));
  return out;
}

std::vector<Group> groups_of(const MetricsLog& log) {
  Chart terms{.title = "terms of the loss"}, validation_loss{.title = "validation loss"};
  Group losses{"Training loss", {}}, optimiser{"Optimiser", {}}, speed{"Speed and memory", {}};
  std::vector<std::string> measured;
  for (const auto& [name, points] : log.series()) {
    if (kPosition.contains(name)) continue;
    const ChartLine line{name, points};
    if (starts_with(name, "loss_")) {
      terms.lines.push_back(line);
    } else if (starts_with(name, "val_loss")) {
      validation_loss.lines.push_back(line);
    } else if (name == "loss" || kSpeed.contains(name) || kOptimiser.contains(name)) {
      Group& group = name == "loss" ? losses : kSpeed.contains(name) ? speed : optimiser;
      group.charts.push_back({.title = name, .lines = {line}});
    } else {
      measured.push_back(name);
    }
  }
  Group validation{"Evaluation", evaluation_charts(log, measured)};
  if (!terms.lines.empty()) losses.charts.push_back(terms);
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
      const auto& steps = log.series().at("step");
      chart.first_step = steps.front().first;
      chart.last_step = steps.back().first;
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
  return str(
      "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>", name, "</title>\n",
      kHead, "</head>\n<body><h1>", name, "</h1>\n<p>Step ", last,
      "; dashed lines are the starts of stages. A dot shows its value under the mouse.</p>\n",
      "<input type='checkbox' id='log'><label for='log'> logarithmic values</label>\n",
      section(groups, log, /*log_scale=*/false), section(groups, log, /*log_scale=*/true),
      "</body></html>\n");
}

}  // namespace reasonbrain::train
